import { background, type Deferred, deferred, isAbort, onAbort } from '../../../lib/base/index.ts'
import type { ManagerDatabase } from '../database/index.ts'
import type { DutyWriter } from './duty.ts'
import { jobLedger, type OpenJob, sweepJobs } from './job-ledger.ts'
import type { JobMeters } from './job-meters.ts'
import { type JobRunComponents, runJob } from './job-run.ts'
import { MAX_OPEN_JOBS } from './job-store.ts'
import { jobTurns, type Leaving } from './job-turns.ts'
import { pause } from './pause.ts'
import { resolveWatch } from './resolve-watch.ts'

/** Between two looks for jobs that are too old. */
const SWEEP_MS = 60_000
/** After a job could not be gone on with. */
const AGAIN_MS = 2_000

export interface JobRunnerComponents extends Omit<JobRunComponents, 'ledger' | 'crowded'> {
  readonly database: Pick<ManagerDatabase, 'read'>
  readonly meters: JobMeters
}

export interface JobRunnerInit {
  readonly atOnce: number
  readonly keepMs: number
}

/** Does the jobs of a manager for as long as it has that duty. */
export interface JobRunner {
  /** There is a new job. */
  ask(): void
  work(writer: DutyWriter, signal: AbortSignal): Promise<void>
}

export function jobRunner(components: JobRunnerComponents, { atOnce, keepMs }: JobRunnerInit): JobRunner {
  const { clock, logger, meters, database, lookMs } = components
  let asked: Deferred<void> = deferred()

  return {
    ask: () => asked.resolve(),
    async work(writer, signal) {
      const read = () => database.read
      const ledger = jobLedger({ read, keep: (part) => writer.keep(part), clock })
      const turns = jobTurns(atOnce)
      const watch = resolveWatch({ ledger, clock, lookMs })
      const tasks = background((_name, err) => logger.error('failed to do jobs', { err }))
      let sweptMs = Number.NEGATIVE_INFINITY
      const sweep = async () => {
        if (clock.monotonicMs() - sweptMs < SWEEP_MS) return
        const more = await sweepJobs({ read, keep: (part) => writer.keep(part) }, clock.now() - keepMs)
        if (!more) sweptMs = clock.monotonicMs()
      }
      const doOne = async (job: OpenJob, until: AbortSignal) => {
        let how: Leaving = 'ended'
        try {
          const end = await runJob({ ...components, ledger, crowded: () => turns.crowded() }, job.id, until)
          if (end === 'stuck' || end === 'silent') how = end
          if (typeof end === 'object') meters.ended(job.kind, end.state)
        } catch (err) {
          if (until.aborted || isAbort(err)) return
          logger.warn('failed to go on with a job', { job: job.id, err })
          await clock.sleep(AGAIN_MS, { signal: until }).catch(() => undefined)
        } finally {
          turns.leave(job.id, how)
          asked.resolve()
        }
      }
      const takeBack = onAbort(signal, () => {
        tasks.stop().catch(() => undefined)
      })
      try {
        while (!signal.aborted) {
          asked = deferred()
          const open = await ledger.open(MAX_OPEN_JOBS)
          meters.note(open, clock.now())
          for (const job of turns.take(open, clock.now())) tasks.run(`job ${job.id}`, (until) => doOne(job, until))
          await watch(open)
          await sweep()
          await pause(clock, lookMs, { event: asked.promise, signal })
        }
      } finally {
        takeBack()
        await tasks.stop()
      }
    },
  }
}
