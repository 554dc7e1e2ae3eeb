import { type JobBody, type JobState, type KeptJob, type KeptRow, MAX_JOB_HOSTS } from '../../../lib/api/index.ts'
import {
  type AbortOptions,
  abortable,
  appError,
  type Background,
  background,
  type Clock,
  hasCode,
  keyedLock,
  type Random,
  type Startable,
} from '../../../lib/base/index.ts'
import { durableJournal, type Executor, type Journal, type JournalStorage } from '../../../lib/journal/index.ts'
import type { Logger, Metrics } from '../../../lib/telemetry/index.ts'
import type { FleetMeters } from './fleet-meters.ts'
import { jobContent } from './job-content.ts'
import type { JobRecords } from './job-records.ts'
import { jobRoom, MAX_OPEN } from './job-room.ts'
import type { Row } from './job-row.ts'
import { JobRun } from './job-run.ts'
import { contentOf, newJob, newJobId, newRow } from './new-job.ts'
import type { Posts } from './posts.ts'
import { chosenHosts } from './scope.ts'
import type { Targets } from './targets.ts'

/** Kind of a job's task in the journal; its key is the id of the job. */
const JOB = 'job'
/** Jobs that give orders at the same time. */
const MAX_RUNNING = 16
/** Jobs that have ended and are kept. */
const MAX_ENDED = 200
/** For a task of the journal that fails: a job itself has a time limit. */
const RETRY = { baseMs: 1_000, maxMs: 60_000, attempts: Number.MAX_SAFE_INTEGER }

/** The jobs of this tracker. */
export interface Jobs extends Startable {
  /**
   * Returns when the job is durable. The same key with the same content gives the same job.
   * @throws FLEET_EMPTY, FLEET_GATHERING, JOB_KEY_TAKEN, JOBS_FULL, JOURNAL_FULL, JOURNAL_UNAVAILABLE, and what finding
   * the target throws
   */
  add(body: JobBody, by: string, options?: AbortOptions): Promise<JobRun>
  /** @throws JOB_UNKNOWN */
  get(id: string): JobRun
  /** The newest first. */
  all(): readonly JobRun[]
  /** Those that have not ended, in the order in which they give orders: what is quick goes first. */
  open(): readonly JobRun[]
  /** Those that must hear of hosts: that are open, or whose end is not kept yet. */
  hearing(): readonly JobRun[]
  /** @throws JOB_UNKNOWN, JOB_OVER, JOURNAL_UNAVAILABLE */
  cancel(id: string): Promise<JobRun>
}

export interface JobsComponents {
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly metrics: Metrics
  readonly posts: Posts
  readonly targets: Pick<Targets, 'find' | 'walk'>
  readonly meters: FleetMeters
  readonly journal: JournalStorage
  readonly records: JobRecords
  /** A job was made, or has ended. */
  readonly onChanged: (run: JobRun) => void
}

export interface JobsInit {
  /** Hosts of one job that work at the same time, where the job does not say. */
  readonly atOnce: number
  /** After the start so long all hosts, or those of a zone, are not known. */
  readonly gatherMs: number
  /** Jobs that have ended are kept so long. */
  readonly keepMs: number
}

export function jobs(components: JobsComponents, init: JobsInit): Jobs & { tick(): void } {
  return new KeptJobs(components, init)
}

class KeptJobs implements Jobs {
  readonly #components: JobsComponents
  readonly #init: JobsInit
  readonly #journal: Journal
  readonly #runs = new Map<string, JobRun>()
  readonly #keys = keyedLock()
  readonly #writes = keyedLock()
  readonly #refused = new Set<JobRun>()
  readonly #room = jobRoom()
  #tasks: Background = background(() => undefined)
  #startedMs = 0

  constructor(components: JobsComponents, init: JobsInit) {
    this.#components = components
    this.#init = init
    const executor: Executor = { run: ({ key }, { signal }) => this.#run(key, signal) }
    this.#journal = durableJournal(
      { ...components, storage: components.journal, executors: { [JOB]: executor } },
      { concurrency: MAX_RUNNING, retry: RETRY, maxTasks: MAX_OPEN },
    )
  }

  async start(): Promise<void> {
    const { records, clock, logger } = this.#components
    this.#startedMs = clock.monotonicMs()
    this.#tasks = background((task, err) => logger.warn('failed to go on with a job', { task, err }))
    await records.start()
    try {
      for (const { job, rows } of await records.load()) {
        this.#runs.set(job.id, this.#newRun(job, rows))
      }
      await this.#journal.open()
      // What was kept without a task was not acknowledged before the end of the process.
      for (const run of this.open()) await this.#resume(run)
      await this.#journal.start()
    } catch (err) {
      await this.#journal.close()
      await records.stop()
      throw err
    }
  }

  /** A job without a place ends, so that the others go on. @throws JOURNAL_UNAVAILABLE */
  async #resume(run: JobRun): Promise<void> {
    const { id, target } = run.job
    try {
      await this.#journal.add({ kind: JOB, key: id, payload: {} })
    } catch (err) {
      if (!hasCode(err, 'JOURNAL_FULL')) throw err
      this.#components.logger.error('there is no room for a job of before the restart; it is cancelled', { id, target })
      await run.cancel()
    }
  }

  async stop(): Promise<void> {
    await this.#journal.close()
    await this.#tasks.stop()
    await this.#components.records.stop()
    this.#runs.clear()
  }

  add(body: JobBody, by: string, { signal }: AbortOptions = {}): Promise<JobRun> {
    const { key } = body
    if (key === undefined) return this.#make(body, by, signal)
    return this.#keys.run(key, async () => {
      const before = [...this.#runs.values()].find(({ job }) => job.key === key)
      if (before === undefined) return this.#make(body, by, signal)
      if (contentOf(before.job) === contentOf(body)) return before
      throw appError('JOB_KEY_TAKEN', { detail: { job: before.job.id } })
    })
  }

  get(id: string): JobRun {
    const run = this.#runs.get(id)
    if (run === undefined) throw appError('JOB_UNKNOWN', { detail: { id: id.slice(0, 64) } })
    return run
  }

  all(): readonly JobRun[] {
    return [...this.#runs.values()].sort((a, b) => (a.job.id < b.job.id ? 1 : -1))
  }

  open(): readonly JobRun[] {
    const open = [...this.#runs.values()].filter(({ job }) => job.ended === undefined)
    return [...open.filter(({ job }) => job.kind !== 'preload'), ...open.filter(({ job }) => job.kind === 'preload')]
  }

  hearing(): readonly JobRun[] {
    return [...this.#runs.values()].filter(({ job, isUnsaved }) => job.ended === undefined || isUnsaved)
  }

  async cancel(id: string): Promise<JobRun> {
    const run = this.get(id)
    if (run.job.ended !== undefined) throw appError('JOB_OVER')
    await run.cancel()
    return run
  }

  /** Hosts that are away, time limits, and jobs that have been kept for long enough. */
  tick(): void {
    const { posts, meters, clock } = this.#components
    const open = this.open()
    for (const id of posts.sweep()) for (const run of open) run.gone(id)
    for (const run of open) run.tick()
    for (const run of this.#refused) this.#tasks.run('forget', () => this.#discard(run))
    const inState = (state: JobState) => open.filter((run) => run.state === state).length
    const working = open.reduce((sum, run) => sum + run.working, 0)
    meters.note({ listening: posts.size, working, waiting: inState('waiting'), running: inState('running') })
    const ended = this.all().filter(({ job }) => job.ended !== undefined)
    const isOld = ({ job }: JobRun) => (job.ended?.atMs ?? 0) < clock.now() - this.#init.keepMs
    for (const run of ended.filter((each, i) => i >= MAX_ENDED || isOld(each))) this.#forget(run)
  }

  async #make(body: JobBody, by: string, signal: AbortSignal | undefined): Promise<JobRun> {
    const { targets, records, clock, random, posts, onChanged } = this.#components
    const place = this.#room.enter(this.open().length)
    try {
      this.#assertGathered(body)
      const target = await targets.find(body.target, body.kind, { signal })
      const chosen = chosenHosts(body, posts.all())
      if (chosen.length === 0) throw appError('FLEET_EMPTY')
      if (chosen.length > MAX_JOB_HOSTS) {
        throw appError('BODY_INVALID', { message: `one job is for at most ${MAX_JOB_HOSTS} hosts; take zone by zone` })
      }
      for (const ended of place.rows(chosen.length, this.all())) this.#forget(ended)
      const createdAtMs = clock.now()
      const id = newJobId(random, createdAtMs)
      const job = newJob(body, { id, target, by, createdAtMs, atOnce: this.#init.atOnce })
      const rows = chosen.map(newRow)
      await records.add(job, rows)
      const run = this.#newRun(job, rows.entries())
      this.#runs.set(id, run)
      place.leave()
      await this.#addTask(run)
      onChanged(run)
      return run
    } finally {
      place.leave()
    }
  }

  /** A job that was refused must not be done after a restart either. @throws JOURNAL_FULL, JOURNAL_UNAVAILABLE */
  async #addTask(run: JobRun): Promise<void> {
    const { id } = run.job
    try {
      await this.#journal.add({ kind: JOB, key: id, payload: {} })
    } catch (err) {
      this.#runs.delete(id)
      await this.#discard(run)
      throw err
    }
  }

  /** @throws FLEET_GATHERING */
  #assertGathered({ hosts }: JobBody): void {
    const leftMs = this.#startedMs + this.#init.gatherMs - this.#components.clock.monotonicMs()
    if (hosts === undefined && leftMs > 0) throw appError('FLEET_GATHERING', { detail: { inMs: Math.ceil(leftMs) } })
  }

  #forget(run: JobRun): void {
    this.#runs.delete(run.job.id)
    this.#tasks.run('forget', () => this.#remove(run))
  }

  /** What cannot be removed now is removed later. @throws JOURNAL_UNAVAILABLE */
  async #discard(run: JobRun): Promise<void> {
    this.#refused.add(run)
    await this.#remove(run)
    this.#refused.delete(run)
  }

  #remove({ job: { id }, rows }: JobRun): Promise<void> {
    return this.#writes.run(id, () => this.#components.records.remove(id, (rows.at(-1)?.n ?? -1) + 1))
  }

  #newRun(job: KeptJob, rows: Iterable<readonly [number, KeptRow]>): JobRun {
    const { clock, logger, targets, posts, random, meters } = this.#components
    const tasks = { run: (...work: Parameters<Background['run']>) => this.#tasks.run(...work) }
    const onSettled = () => this.#runs.get(job.id)?.tick()
    return new JobRun(
      {
        ...{ clock, random, posts },
        content: jobContent({ clock, logger, walk: targets.walk, tasks, onSettled }, job),
        save: (...changed) => this.#save(...changed),
        later: (work) => tasks.run(`job ${job.id}`, () => work),
        onGiven: () => meters.given(job.kind),
      },
      job,
      rows,
    )
  }

  async #save(run: JobRun, changed: readonly Row[], isAgain: boolean): Promise<void> {
    const { records, meters, onChanged } = this.#components
    const { job } = run
    if (!isAgain) for (const { kept } of changed) meters.became(job.kind, kept.state)
    // One after the other, each with what holds then: an older state must not replace a newer one.
    await this.#writes.run(job.id, () => {
      const rows = new Map(changed.map(({ n, kept }) => [n, kept]))
      return records.change(job.id, { rows, ...(run.job.ended !== undefined && { job: run.job }) })
    })
    if (job.ended !== undefined) onChanged(run)
  }

  /** The task of a job in the journal: it lasts as long as the job gives orders. */
  async #run(id: string, signal: AbortSignal): Promise<void> {
    const run = this.#runs.get(id)
    if (run === undefined || run.job.ended !== undefined) return
    run.activate(true)
    try {
      await abortable(run.over.promise, signal)
    } finally {
      run.activate(false)
    }
  }
}
