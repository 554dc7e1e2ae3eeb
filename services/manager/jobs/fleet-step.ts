import type { JobAnswer, JobHostAnswer } from '../../../lib/api/index.ts'
import { type AbortOptions, appError, hasCode } from '../../../lib/base/index.ts'
import { isOpen, newRow, type Row } from './model.ts'
import { firstOf, insist, Over, type Step, type StepWork, tooLate } from './step.ts'

/** Hosts on a page of an answer. */
const PAGE = '1000'

type Tracker = ReturnType<StepWork['talk']['trackers']>[number]

/** The same part of the same job has the same key, so that a tracker takes it once. */
export const orderKey = ({ jobId, n }: { readonly jobId: string; readonly n: number }): string =>
  `manager ${jobId}.${n}`

function orderBody({ job, part, clock }: StepWork) {
  const { hosts, zone, count, percent, platforms, atOnce } = job.spec
  const { target = '', order = 'query' } = part.spec
  const leftSeconds = Math.max(1, Math.ceil((job.untilMs - clock.now()) / 1000))
  return {
    ...{ kind: order, target, key: orderKey(part), limitSeconds: leftSeconds },
    ...(hosts !== undefined && { hosts }),
    ...(zone !== undefined && { zone }),
    ...(hosts === undefined && zone === undefined && { all: true as const }),
    ...(count !== undefined && { count }),
    ...(percent !== undefined && { percent }),
    ...(platforms !== undefined && { platforms }),
    ...(atOnce !== undefined && { atOnce }),
  }
}

const named = (work: StepWork, id: string): Tracker =>
  firstOf(work.talk.trackers(work.part.cluster), (tracker) => tracker.id === id)

/** Gives the order, or gives it again: which tracker has it is noted before it is asked. */
async function give(work: StepWork): Promise<{ readonly member: string; readonly remoteId: string }> {
  const { part, ledger, talk } = work
  let { member } = part
  const order = async (options: AbortOptions) => {
    const tracker = member === undefined ? firstOf(talk.trackers(part.cluster)) : named(work, member)
    if (member === undefined) await ledger.note(part, { state: 'running', member: tracker.id })
    member = tracker.id
    return tracker.admin.order({ body: orderBody(work) }, options)
  }
  // Who may have the order must be told of its end.
  const { id } = await insist(work, order, () => (member === undefined ? work.verdict() : tooLate(work)))
  await ledger.note(part, { remoteId: id })
  return { member: member ?? '', remoteId: id }
}

export function hostRow(part: number, given: JobHostAnswer): Row {
  const {
    host,
    address = null,
    zone = null,
    label,
    named: called,
    state,
    code = null,
    attempts,
    progress,
    holds,
  } = given
  const { bytes, doneBytes, blobs, doneBlobs } = progress
  return newRow(part, host, {
    ...{ name: label ?? called ?? null, address, zone, state, code, attempts },
    ...{ bytes, doneBytes, blobs, doneBlobs, holds: holds ?? null },
  })
}

async function hostsAt(tracker: Tracker, id: string, signal: AbortSignal): Promise<readonly JobHostAnswer[]> {
  const all: JobHostAnswer[] = []
  let last: string | undefined
  do {
    const page = await tracker.admin.jobHosts({ id, n: PAGE, last }, { signal })
    all.push(...page.hosts)
    last = page.next
  } while (last !== undefined)
  return all
}

/** Copies what hosts have done since the last look. */
async function copyRows(work: StepWork, known: Map<string, Row>, hosts: readonly JobHostAnswer[]): Promise<void> {
  const { part, job, ledger } = work
  const rows = hosts.map((host) => hostRow(part.n, host))
  const changed = rows.filter((row) => JSON.stringify(known.get(row.host)) !== JSON.stringify(row))
  const now = new Set(rows.map(({ host }) => host))
  const gone = [...known.values()].filter(({ host }) => !now.has(host))
  await ledger.saveRows(job.id, changed, gone)
  for (const { host } of gone) known.delete(host)
  for (const row of changed) known.set(row.host, row)
}

function endAs({ state, failures, hosts }: JobAnswer) {
  if (state === 'cancelled') return { state } as const
  if (state !== 'failed') return { state: 'done' } as const
  const codes = Object.keys(failures)
  const code = codes.length === 1 ? codes[0] : 'JOB_FAILED'
  return { state, code, message: `${hosts.failed} hosts have not done it` } as const
}

/** A job of a tracker for its hosts, from its order to its end. It lies at one tracker, which is waited for while it is away. */
export const fleetStep: Step = async (work) => {
  const { part, ledger, clock, signal, verdict, lookMs } = work
  if (part.member === undefined && verdict() === 'cancel') return { state: 'cancelled' }
  const { member, remoteId } =
    part.member !== undefined && part.remoteId !== undefined
      ? { member: part.member, remoteId: part.remoteId }
      : await give(work)
  const known = new Map((await ledger.rowsOf(part)).map((row) => [row.host, row]))
  let told = ''
  let stopped = false
  const late = () => tooLate(work)
  const tracker = () => named(work, member)
  const look = (options: AbortOptions) => tracker().admin.job({ id: remoteId }, options)
  for (;;) {
    const now = await insist(work, look, late).catch((err: unknown) => {
      throw hasCode(err, 'JOB_UNKNOWN') ? appError('JOB_LOST') : err
    })
    const line = JSON.stringify([now.state, now.hosts, now.progress])
    if (line !== told) await copyRows(work, known, await insist(work, () => hostsAt(tracker(), remoteId, signal), late))
    told = line
    if (!isOpen(now.state)) return endAs(now)
    const over = late()
    if (over !== undefined) throw new Over({ state: over === 'cancel' ? 'cancelled' : 'failed', code: 'MEMBER_AWAY' })
    if (verdict() === 'cancel' && !stopped) {
      const stop = (options: AbortOptions) => tracker().admin.cancelJob({ id: remoteId }, options)
      await insist(work, stop, late).catch((err: unknown) => {
        if (!hasCode(err, 'JOB_OVER')) throw err
      })
      stopped = true
    } else await clock.sleep(lookMs, { signal })
  }
}
