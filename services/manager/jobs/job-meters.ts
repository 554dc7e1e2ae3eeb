import { managedJobKinds } from '../../../lib/api/index.ts'
import type { Metrics } from '../../../lib/telemetry/index.ts'
import type { OpenJob } from './job-ledger.ts'

export interface JobMeters {
  given(kind: string): void
  ended(kind: string, state: string): void
  /** What has not ended, and since when the oldest of those that wait does. */
  note(open: readonly OpenJob[], nowMs: number): void
}

export function jobMeters(metrics: Metrics): JobMeters {
  const jobs = metrics.counter(
    { name: 'shoal_manager_jobs_total', help: 'Jobs of the manager, by kind and by what became of them.' },
    ['kind', 'outcome'],
  )
  const open = metrics.gauge({ name: 'shoal_manager_jobs', help: 'Jobs that have not ended, by state.' }, ['state'])
  const oldest = metrics
    .gauge({
      name: 'shoal_manager_job_queue_age_seconds',
      help: 'For how long the oldest job that waits has been waiting.',
    })
    .with({})
  for (const kind of managedJobKinds)
    for (const outcome of ['given', 'done', 'failed', 'cancelled']) jobs.with({ kind, outcome }).add(0)
  return {
    given: (kind) => jobs.with({ kind, outcome: 'given' }).add(),
    ended: (kind, outcome) => jobs.with({ kind, outcome }).add(),
    note(all, nowMs) {
      for (const state of ['waiting', 'running'])
        open.with({ state }).set(all.filter((job) => job.state === state).length)
      const first = all.find(({ state }) => state === 'waiting')
      oldest.set(first === undefined ? 0 : Math.max(0, nowMs - first.createdAtMs) / 1000)
    },
  }
}
