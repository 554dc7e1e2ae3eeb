import {
  appError,
  type Background,
  type BackoffPolicy,
  background,
  backoffMs,
  type Clock,
  codeOf,
  isAppError,
  type Random,
  type Startable,
  type Timer,
} from '../base/index.ts'
import { inTrace, type Logger, type Tracer } from '../telemetry/index.ts'
import type { Executor, Task } from './task.ts'
import type { Failure, TaskTable } from './task-table.ts'

/** Longest timer: when the wall clock is set back, a task must not wait for its old time. */
const MAX_TIMER_MS = 24 * 60 * 60 * 1000

export type RunOutcome = 'done' | 'failed' | 'dead' | 'postponed'

export interface TaskRunnerComponents {
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly tracer: Tracer
  readonly table: TaskTable
  /** By kind. */
  readonly executors: Readonly<Record<string, Executor>>
  readonly onRun: (kind: string, outcome: RunOutcome) => void
}

export interface TaskRunnerInit {
  /** Number of tasks of each group that run at the same time. */
  readonly concurrency: number
  /** Default: all tasks are one group. */
  readonly groupOf?: ((task: Task) => string) | undefined
  readonly retry: BackoffPolicy
}

/** Tasks of one group that are due, in the order in which they became due. */
interface Group {
  readonly first: Set<string>
  /** Those in the background. */
  readonly later: Set<string>
  active: number
}

/** Runs tasks when they are due, at most `concurrency` of each group at a time, those in the background last. */
export class TaskRunner implements Startable {
  readonly #components: TaskRunnerComponents
  readonly #init: TaskRunnerInit
  readonly #timers = new Map<string, Timer>()
  readonly #groups = new Map<string, Group>()
  #running: Background | undefined

  constructor(components: TaskRunnerComponents, init: TaskRunnerInit) {
    this.#components = components
    this.#init = init
  }

  async start(): Promise<void> {
    if (this.#running !== undefined) return
    const { logger, table } = this.#components
    this.#running = background((task, err) => logger.error('background task failed', { task, err }))
    for (const isLast of [undefined, true]) {
      for (const task of table.all()) if (task.background === isLast) this.plan(task)
    }
  }

  /** Running tasks are aborted and wait for the next start. */
  async stop(): Promise<void> {
    const running = this.#running
    this.#running = undefined
    for (const timer of this.#timers.values()) timer.cancel()
    this.#timers.clear()
    for (const { first, later } of this.#groups.values()) {
      first.clear()
      later.clear()
    }
    await running?.stop()
  }

  /** Schedules the task for the time when it is due. Does nothing before the start and after the stop. */
  plan(task: Task): void {
    const { id, state, dueAtMs, background: isLast } = task
    this.#timers.get(id)?.cancel()
    this.#timers.delete(id)
    if (this.#running === undefined || state !== 'waiting') return
    const group = this.#groupOf(task)
    group.later.delete(id)
    const delayMs = Math.min(dueAtMs - this.#components.clock.now(), MAX_TIMER_MS)
    const due = () => {
      this.#timers.delete(id)
      const lane = isLast === true ? group.later : group.first
      lane.add(id)
      this.#runNext(group)
    }
    if (delayMs <= 0) due()
    else this.#timers.set(id, this.#components.clock.setTimer(delayMs, due, { background: true }))
  }

  #groupOf(task: Task): Group {
    const name = this.#init.groupOf?.(task) ?? ''
    const group = this.#groups.get(name) ?? { first: new Set(), later: new Set(), active: 0 }
    this.#groups.set(name, group)
    return group
  }

  #runNext(group: Group): void {
    const { table } = this.#components
    for (const lane of [group.first, group.later]) {
      for (const id of lane) {
        if (this.#running === undefined || group.active >= this.#init.concurrency) return
        lane.delete(id)
        const task = table.begin(id)
        if (task === undefined) continue
        group.active += 1
        this.#running.run(`${task.kind} ${task.key}`, (signal) => this.#run(task, group, signal))
      }
    }
  }

  async #run(task: Task, group: Group, signal: AbortSignal): Promise<void> {
    let after: Task | undefined
    try {
      after = await this.#attempt(task, signal)
    } catch (err) {
      const { clock, table, logger } = this.#components
      after = table.leave(task.id, clock.now() + this.#init.retry.maxMs)
      logger.error('failed to record the result of a task; it runs again', { kind: task.kind, key: task.key, err })
    } finally {
      group.active -= 1
    }
    if (after !== undefined) this.plan(after)
    this.#runNext(group)
  }

  /** Runs the task and records the result. Gives the task afterwards; undefined when it no longer exists. */
  async #attempt(task: Task, signal: AbortSignal): Promise<Task | undefined> {
    const { table, executors, onRun, logger, clock, tracer } = this.#components
    let postponedMs: number | undefined
    const postpone = (dueAtMs: number) => {
      postponedMs = dueAtMs
    }
    try {
      const attributes = { 'shoal.task.key': task.key, 'shoal.task.attempts': task.attempts }
      const executor = executors[task.kind] ?? nobody(task)
      await inTrace(tracer, `task ${task.kind}`, { attributes }, () => executor.run(task, { signal, postpone }))
    } catch (err) {
      if (signal.aborted) return table.leave(task.id, clock.now())
      const failure = this.#failureOf(task, err)
      this.#log(task, failure, err)
      onRun(task.kind, failure.dueAtMs === undefined ? 'dead' : 'failed')
      return table.failed(task.id, failure)
    }
    if (postponedMs !== undefined) {
      onRun(task.kind, 'postponed')
      return table.postponed(task.id, postponedMs)
    }
    onRun(task.kind, 'done')
    logger.debug('a task is done', { kind: task.kind, key: task.key, attempts: task.attempts })
    return table.done(task.id)
  }

  #failureOf({ attempts }: Task, err: unknown): Failure {
    const { retry } = this.#init
    const code = codeOf(err) ?? 'UNKNOWN'
    const isFinal = isAppError(err) && !err.retryable
    if (isFinal || attempts + 1 >= retry.attempts) return { code, dueAtMs: undefined }
    const waitMs = backoffMs(retry, attempts, this.#components.random)
    return { code, dueAtMs: this.#components.clock.now() + Math.round(waitMs) }
  }

  /** During an outage every task fails repeatedly, so only the first failure of each task is logged loudly. */
  #log({ kind, key, attempts }: Task, { dueAtMs }: Failure, err: unknown): void {
    const { logger, clock } = this.#components
    const fields = { kind, key, attempts: attempts + 1, err }
    if (dueAtMs === undefined) {
      logger.error(
        'a task is dead: it failed for good, or too often; it is kept until somebody retries or deletes it',
        fields,
      )
    } else {
      const level = attempts === 0 ? 'warn' : 'debug'
      logger[level]('a task failed and is tried again later', { ...fields, inMs: dueAtMs - clock.now() })
    }
  }
}

function nobody({ kind }: Task): Executor {
  return {
    run: () =>
      Promise.reject(appError('CONFIG_INVALID', { message: `there is no executor for tasks of the kind ${kind}` })),
  }
}
