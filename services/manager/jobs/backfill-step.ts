import type { Replication } from '../../../lib/api/index.ts'
import { appError, hasCode } from '../../../lib/base/index.ts'
import { repositoryText } from '../../../lib/core/index.ts'
import { parseImageTag } from '../../../lib/kraken/index.ts'
import { newRow, type Row } from './model.ts'
import { endOf, firstOf, insist, type Step, type StepWork } from './step.ts'

const inHand: readonly string[] = ['waiting', 'running']

/** One remote that a tag was ordered to be sent to. */
interface Ordered {
  readonly remote: string
  /** When its status was written that was there before the order. */
  readonly beforeMs: number | undefined
  /** There was a status of this order, or of before: one that is gone then does not come again. */
  isKnown: boolean
}

/** Gives the order; given again after a restart, it is followed anew. @throws REMOTE_UNKNOWN when no rule is for the tag */
async function order(work: StepWork): Promise<readonly Ordered[]> {
  const { part, talk } = work
  const { repository, tag } = parseImageTag(part.spec.target ?? '')
  const body = { repository: repositoryText(repository), tag }
  const { remotes, before = [] } = await insist(work, (options) =>
    firstOf(talk.buildIndexes(part.cluster)).admin.replicate({ body }, options),
  )
  if (remotes.length === 0)
    throw appError('REMOTE_UNKNOWN', { message: 'no remote of the cluster has a rule for the tag' })
  // A build-index of an older version does not say what was before: of that one, whatever there is counts.
  return remotes.map((remote) => {
    const beforeMs = before.find((each) => each.remote === remote)?.updatedAtMs
    return { remote, beforeMs, isKnown: beforeMs !== undefined }
  })
}

/**
 * The status that the order has made; undefined until the build-index that has the shard of the tag has taken it. Only whether it
 * has changed counts: clocks of several machines are not compared.
 */
async function statusOf(work: StepWork, ordered: Ordered): Promise<Replication | undefined> {
  const { part, talk } = work
  const { remote, beforeMs } = ordered
  const { repository, tag } = parseImageTag(part.spec.target ?? '')
  const place = { remote, repository: repositoryText(repository), tag }
  try {
    const now = await insist(work, (options) =>
      firstOf(talk.buildIndexes(part.cluster)).admin.replication(place, options),
    )
    ordered.isKnown = true
    return now.updatedAtMs === beforeMs ? undefined : now
  } catch (err) {
    if (ordered.isKnown || !hasCode(err, 'REPLICATION_UNKNOWN')) throw err
    return undefined
  }
}

/** One tag on its way to one remote, as a row of the job. */
function remoteRow(part: number, remote: string, now: Replication | undefined): Row {
  if (now === undefined) return newRow(part, remote)
  const ended = now.state === 'done' ? 'done' : 'failed'
  const { totalBytes: bytes, doneBytes, attempts, lastError } = now
  const state = inHand.includes(now.state) ? 'running' : ended
  return newRow(part, remote, { state, bytes, doneBytes, attempts, code: lastError?.code ?? null })
}

/** Replicates one tag to the other clusters now, and follows it to its end. What is asked for twice is done once. */
export const backfillStep: Step = async (work) => {
  const { job, part, ledger, clock, signal, lookMs, verdict } = work
  const orders = await order(work)
  const rows = new Map<string, Row>()
  for (;;) {
    for (const ordered of orders.filter(({ remote }) => rows.get(remote)?.state !== 'done')) {
      const { remote } = ordered
      const row = remoteRow(part.n, remote, await statusOf(work, ordered))
      if (JSON.stringify(rows.get(remote)) !== JSON.stringify(row)) await ledger.saveRows(job.id, [row])
      rows.set(remote, row)
    }
    const all = [...rows.values()]
    const bad = all.find(({ state }) => state === 'failed')
    if (all.every(({ state }) => state === 'done' || state === 'failed'))
      return bad === undefined ? { state: 'done' } : { state: 'failed', code: bad.code ?? 'JOB_FAILED' }
    const over = verdict()
    if (over !== undefined) return endOf(over)
    await clock.sleep(lookMs, { signal })
  }
}
