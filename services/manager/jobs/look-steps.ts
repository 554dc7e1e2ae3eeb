import type { GarbageReport, RetentionReport } from '../../../lib/api/index.ts'
import { type AbortOptions, hasCode } from '../../../lib/base/index.ts'
import { newRow, type Row } from './model.ts'
import { firstOf, insist, type Step, type StepWork } from './step.ts'

type Index = ReturnType<StepWork['talk']['buildIndexes']>[number]

/** What the build-indexes of a cluster do for all of its index, one at a time: begun, followed, and ended. */
interface Look<Report> {
  readonly begin: (index: Index, dryRun: boolean, options: AbortOptions) => Promise<Report>
  readonly report: (index: Index, options: AbortOptions) => Promise<Report>
  readonly stop: (index: Index, options: AbortOptions) => Promise<unknown>
  /** It is under way already, whoever began it. */
  readonly running: string
  readonly shown: (report: Report) => Partial<Row>
}

type AnyReport = Pick<GarbageReport | RetentionReport, 'id' | 'state' | 'lastError'>

const lookStep =
  <Report extends AnyReport>(look: Look<Report>): Step =>
  async (work) => {
    const { job, part, talk, ledger, clock, signal, lookMs, verdict } = work
    const ask = <T>(call: (index: Index, options: AbortOptions) => Promise<T>) =>
      insist(work, (options) => call(firstOf(talk.buildIndexes(part.cluster)), options))
    const begin = (index: Index, options: AbortOptions) =>
      look.begin(index, job.spec.dryRun === true, options).catch((err: unknown) => {
        // One that this job has begun before a restart, or that of somebody else: the work is the same.
        if (hasCode(err, look.running)) return look.report(index, options)
        throw err
      })
    let now: Report
    if (part.remoteId === undefined) {
      now = await ask(begin)
      await ledger.note(part, { state: 'running', remoteId: now.id })
    } else now = await ask(look.report)
    const wanted = part.remoteId ?? now.id
    let stopped = false
    for (;;) {
      if (now.id !== wanted) return { state: 'failed', code: 'JOB_LOST', message: 'another look has followed it' }
      await ledger.saveRows(job.id, [
        newRow(part.n, 'index', { state: now.state === 'running' ? 'running' : 'done', ...look.shown(now) }),
      ])
      if (now.state === 'done') return { state: 'done' }
      if (now.state === 'stopped') return { state: 'cancelled' }
      if (now.state === 'failed')
        return { state: 'failed', code: now.lastError?.code ?? 'UNKNOWN', message: now.lastError?.message }
      if (verdict() !== undefined && !stopped) {
        await look.stop(firstOf(talk.buildIndexes(part.cluster)), { signal })
        stopped = true
      }
      await clock.sleep(lookMs, { signal })
      now = await ask(look.report)
    }
  }

export const gcStep = lookStep<GarbageReport>({
  begin: (index, dryRun, options) => index.admin.gc({ body: { dryRun } }, options),
  report: (index, options) => index.admin.gcReport({}, options),
  stop: (index, options) => index.admin.gcStop({}, options),
  running: 'GARBAGE_RUNNING',
  shown: ({ counts }) => ({ blobs: counts.blobs, doneBlobs: counts.blobsRemoved, doneBytes: counts.bytesRemoved }),
})

export const retentionStep = lookStep<RetentionReport>({
  begin: (index, dryRun, options) => index.admin.retention({ body: { dryRun } }, options),
  report: (index, options) => index.admin.retentionReport({}, options),
  stop: (index, options) => index.admin.retentionStop({}, options),
  running: 'RETENTION_RUNNING',
  shown: ({ counts }) => ({ blobs: counts.tags, doneBlobs: counts.removed }),
})
