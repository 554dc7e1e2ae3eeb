import {
  appError,
  type BackoffPolicy,
  type Clock,
  type KeyedLock,
  keyedLock,
  type Random,
  type Timer,
} from '../base/index.ts'
import { type Logger, type Metrics, silentTracer, type Tracer } from '../telemetry/index.ts'
import type { Journal, TaskQuery } from './journal.ts'
import { type JournalMetrics, journalMetrics } from './journal-metrics.ts'
import type { JournalStorage } from './journal-storage.ts'
import type { Executor, NewTask, Task } from './task.ts'
import { taskId } from './task-record.ts'
import { TaskRunner } from './task-runner.ts'
import { type DeadBound, TaskTable } from './task-table.ts'

/** How often the age of the oldest task is measured. */
const AGE_INTERVAL_MS = 10_000

export interface DurableJournalComponents {
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly metrics?: Metrics | undefined
  /** Each try of a task is a trace; default: none is. */
  readonly tracer?: Tracer | undefined
  readonly storage: JournalStorage
  /** By kind of task. */
  readonly executors: Readonly<Record<string, Executor>>
  /**
   * Called for each task before the task is durable or, for tasks that `open` finds, before `open` returns. Use it to
   * keep what the task needs. The result is called when the task is done or deleted, when it was not added after all,
   * or when the journal is closed.
   */
  readonly hold?: (task: Task) => () => void
}

export interface DurableJournalInit {
  /** Number of tasks that run at the same time: of each group, if there are groups. */
  readonly concurrency: number
  /** Tasks of one group do not keep those of another one from running. Default: all are one group. */
  readonly groupOf?: (task: Pick<Task, 'kind' | 'key'>) => string
  /** The waits between the tries of a task, and the number of tries before it is dead. */
  readonly retry: BackoffPolicy
  /** Most tasks in the journal, including dead ones unless `dead` is given; all of them are in memory. */
  readonly maxTasks: number
  /** Default: all dead tasks are kept, because only they know what is not done. */
  readonly dead?: DeadBound
}

class DurableJournal implements Journal {
  readonly #components: DurableJournalComponents
  readonly #metrics: JournalMetrics | undefined
  readonly #table: TaskTable
  readonly #runner: TaskRunner
  readonly #turns: KeyedLock = keyedLock()
  #isOpen = false
  #ageTimer: Timer | undefined

  constructor(components: DurableJournalComponents, init: DurableJournalInit) {
    const { concurrency, retry, maxTasks, groupOf, dead } = init
    const { clock, random, logger, storage, executors, tracer = silentTracer } = components
    this.#components = components
    const metrics = components.metrics === undefined ? undefined : journalMetrics(components.metrics)
    this.#metrics = metrics
    this.#table = new TaskTable(
      {
        storage,
        now: () => clock.now(),
        onUnreadable: (record, bytes) =>
          logger.error('a record of the journal is not a valid task; set aside', { record, bytes }),
        hold: components.hold ?? (() => () => undefined),
        onCount: (state, count) => metrics?.tasks.with({ state }).set(count),
      },
      { maxTasks, dead },
    )
    const onRun = (kind: string, outcome: string) => metrics?.runs.with({ kind, outcome }).add()
    this.#runner = new TaskRunner(
      { clock, random, logger, tracer, table: this.#table, executors, onRun },
      { concurrency, retry, groupOf },
    )
  }

  open(): Promise<void> {
    return this.#turns.run('', () => this.#openNow())
  }

  start(): Promise<void> {
    return this.#turns.run('', async () => {
      await this.#openNow()
      await this.#runner.start()
    })
  }

  stop(): Promise<void> {
    return this.#turns.run('', () => this.#runner.stop())
  }

  close(): Promise<void> {
    return this.#turns.run('', async () => {
      if (!this.#isOpen) return
      this.#isOpen = false
      this.#ageTimer?.cancel()
      await this.#runner.stop()
      await this.#components.storage.stop()
      this.#table.clear()
    })
  }

  async add(task: NewTask): Promise<Task> {
    if (!this.#isOpen) throw appError('SHUTTING_DOWN')
    return this.#planned(await this.#table.add(task))
  }

  get(id: string) {
    return this.#table.get(id)
  }

  find(kind: string, key: string) {
    return this.#table.get(taskId(kind, key))
  }

  list(query: TaskQuery = {}) {
    return this.#table.list(query)
  }

  async retry(id: string): Promise<Task> {
    return this.#planned(await this.#table.retry(id))
  }

  delete(id: string) {
    return this.#table.delete(id)
  }

  counts() {
    return this.#table.counts()
  }

  #planned(task: Task): Task {
    this.#runner.plan(task)
    return task
  }

  async #openNow(): Promise<void> {
    if (this.#isOpen) return
    const { storage, logger } = this.#components
    await storage.start()
    try {
      await this.#table.load()
    } catch (err) {
      this.#table.clear()
      await storage.stop()
      throw err
    }
    this.#isOpen = true
    this.#measureAge()
    logger.info('journal is open', { ...this.counts() })
  }

  #measureAge(): void {
    if (this.#metrics === undefined) return
    this.#metrics.oldest.set(this.counts().oldestMs / 1000)
    this.#ageTimer = this.#components.clock.setTimer(AGE_INTERVAL_MS, () => this.#measureAge(), { background: true })
  }
}

/** A journal on a storage; the journal starts and stops the storage. */
export function durableJournal(components: DurableJournalComponents, init: DurableJournalInit): Journal {
  return new DurableJournal(components, init)
}
