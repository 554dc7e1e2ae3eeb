import type { GarbageReport, RetentionReport } from '../../../lib/api/index.ts'
import { type AbortOptions, hasCode } from '../../../lib/base/index.ts'
import type { PartEnd } from './job-ledger.ts'
import { newRow, type Row } from './model.ts'
import { endOf, firstOf, insist, Over, type Step, type StepWork, tooLate, type Verdict } from './step.ts'

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

type AnyReport = Pick<GarbageReport | RetentionReport, 'id' | 'state' | 'dryRun' | 'lastError'>

/** Calls whichever build-index of the cluster answers, until it has answered or the part is to end. */
const asking =
  (work: StepWork, until: () => Verdict) =>
  <T>(call: (index: Index, options: AbortOptions) => Promise<T>): Promise<T> =>
    insist(work, (options) => call(firstOf(work.talk.buildIndexes(work.part.cluster)), options), until)

/**
 * The look of this part. One that is under way already, begun before a restart or by somebody else, is the same work if it removes
 * what this one would; the end of another one is waited for.
 */
async function ownLook<Report extends AnyReport>(work: StepWork, look: Look<Report>): Promise<Report> {
  const { job, part, ledger, clock, signal, lookMs, verdict } = work
  const dryRun = job.spec.dryRun === true
  let isAsked = false
  // Who may have begun one must be told of its end.
  const ask = asking(work, () => (isAsked ? tooLate(work) : verdict()))
  const begin = (index: Index, options: AbortOptions) => {
    isAsked = true
    return look.begin(index, dryRun, options).catch((err: unknown) => {
      if (hasCode(err, look.running)) return look.report(index, options)
      throw err
    })
  }
  for (;;) {
    const now = await ask(begin)
    if (now.dryRun === dryRun) {
      await ledger.note(part, { state: 'running', remoteId: now.id })
      return now
    }
    isAsked = false
    const over = verdict()
    if (over !== undefined) throw new Over(endOf(over))
    await clock.sleep(lookMs, { signal })
  }
}

/** How a look, and with it the part, has ended; undefined while it goes on. */
function endOfLook({ state, lastError }: AnyReport, verdict: Verdict): PartEnd | undefined {
  if (state === 'running') return undefined
  if (state === 'done') return { state }
  if (state === 'failed') return { state, code: lastError?.code ?? 'UNKNOWN', message: lastError?.message }
  return endOf(verdict ?? 'cancel')
}

const lookStep =
  <Report extends AnyReport>(look: Look<Report>): Step =>
  async (work) => {
    const { job, part, ledger, clock, signal, lookMs, verdict } = work
    const late = () => tooLate(work)
    const ask = asking(work, late)
    let now = part.remoteId === undefined ? await ownLook(work, look) : await ask(look.report)
    const wanted = part.remoteId ?? now.id
    let stopped = false
    for (;;) {
      if (now.id !== wanted) return { state: 'failed', code: 'JOB_LOST', message: 'another look has followed it' }
      const end = endOfLook(now, verdict())
      const row = { state: end?.state ?? 'running', code: end?.code ?? null, ...look.shown(now) }
      await ledger.saveRows(job.id, [newRow(part.n, 'index', row)])
      if (end !== undefined) return end
      const over = late()
      if (over !== undefined) return { ...endOf(over), code: 'MEMBER_AWAY' }
      if (verdict() !== undefined && !stopped) {
        await ask(look.stop)
        stopped = true
      } else await clock.sleep(lookMs, { signal })
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
