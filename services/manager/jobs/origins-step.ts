import type { BroughtAnswer } from '../../../lib/api/index.ts'
import { appError, backoffMs, isAppError, throwIfAborted } from '../../../lib/base/index.ts'
import { type Content, isOpen, newRow, type Row } from './model.ts'
import { ownersOf } from './origin-owners.ts'
import { endOf, firstOf, insist, type Step, type StepWork } from './step.ts'

/** Blobs that origins are asked for at the same time, where the job does not say. */
const AT_ONCE = 4
/** Rows of one part: blobs times origins. */
const MAX_ROWS = 100_000
const AGAIN = { baseMs: 500, maxMs: 10_000, attempts: Number.MAX_SAFE_INTEGER }

/** Rows for all that is wanted; those of before keep what is known of them. */
async function wantedRows(work: StepWork, { items }: Content): Promise<readonly Row[]> {
  const { job, part, talk, ledger } = work
  const before = await ledger.rowsOf(part)
  if (before.length > 0) return before
  const everywhere = job.spec.scope === 'all_origins'
  const rows: Row[] = []
  for (const { digest, size = 0 } of items) {
    const owners = await insist(work, (options) => ownersOf(talk.origins(part.cluster), digest, options))
    const hosts = everywhere ? owners : owners.slice(0, 1)
    rows.push(...hosts.map((host) => newRow(part.n, host, { blob: digest, bytes: size, blobs: 1 })))
    if (rows.length > MAX_ROWS) throw appError('BODY_INVALID', { message: `at most ${MAX_ROWS} blobs times origins` })
  }
  await ledger.saveRows(job.id, rows)
  return rows
}

/** Asks one origin for one blob until it is there, or never will be. */
async function bringOne(
  work: StepWork,
  { repository, answered }: { readonly repository: string; readonly answered: (isSo: boolean) => void },
  first: Row,
): Promise<Row> {
  const { talk, part, job, ledger, clock, random, signal, verdict } = work
  const everywhere = job.spec.scope === 'all_origins'
  let row: Row = { ...first, state: 'running' }
  const become = async (to: Partial<Row>) => {
    const gone = to.host !== undefined && to.host !== row.host ? [row] : []
    if (Object.entries(to).every(([key, value]) => row[key as keyof Row] === value)) return
    row = { ...row, ...to }
    await ledger.saveRows(job.id, [row], gone)
  }
  const ask = (): Promise<BroughtAnswer> =>
    firstOf(talk.origins(part.cluster), ({ id }) => id === row.host).admin.bring(
      { digest: row.blob, repository },
      { signal },
    )
  while (verdict() === undefined) {
    throwIfAborted(signal)
    try {
      const { whole, size, heldBytes } = await ask()
      answered(true)
      const bytes = size ?? row.bytes
      if (whole) {
        await become({ state: 'done', bytes, doneBytes: bytes, doneBlobs: 1, code: null })
        return row
      }
      await become({ state: 'running', bytes, doneBytes: heldBytes, code: null })
    } catch (err) {
      throwIfAborted(signal)
      if (!isAppError(err)) throw err
      if (!err.retryable) {
        await become({ state: 'failed', code: err.code, attempts: row.attempts + 1 })
        return row
      }
      answered(false)
      const owners = everywhere ? [] : await ownersOf(talk.origins(part.cluster), row.blob, { signal }).catch(() => [])
      const host = owners[(row.attempts + 1) % Math.max(1, owners.length)] ?? row.host
      await become({ code: err.code, attempts: row.attempts + 1, host })
      await clock.sleep(backoffMs(AGAIN, Math.min(row.attempts, 10), random), { signal })
    }
  }
  const { state, code = row.code } = endOf(verdict() ?? 'timeout')
  await become({ state, code: row.code ?? code ?? null })
  return row
}

/** Has origins bring the blobs of an image, a few at a time, and notes how far each is. */
export const originsStep: Step = async (work) => {
  const { part, ledger, job } = work
  const known = await ledger.look(job.id, { whole: true, n: part.spec.contentOf ?? -1 })
  const content = known?.parts[0]?.content
  if (content === undefined) throw appError('UNKNOWN', { message: 'the blobs of the image are not known' })
  const rows = await wantedRows(work, content)
  const waiting = rows.filter(({ state }) => isOpen(state))
  const ended = rows.filter(({ state }) => !isOpen(state))
  let workers = Math.min(job.spec.atOnce ?? AT_ONCE, waiting.length)
  // The part gets no answer while none of those who ask for it gets one.
  const stuck = new Set<number>()
  const each = async (_: unknown, worker: number) => {
    const answered = (isSo: boolean) => {
      if (isSo) stuck.delete(worker)
      else stuck.add(worker)
      work.answered?.(stuck.size < workers)
    }
    for (let row = waiting.shift(); row !== undefined; row = waiting.shift())
      ended.push(await bringOne(work, { repository: content.repository, answered }, row))
    workers -= 1
    stuck.delete(worker)
  }
  const ends = await Promise.allSettled(Array.from({ length: workers }, each))
  for (const end of ends) if (end.status === 'rejected') throw end.reason
  const bad = ended.find(({ state }) => state === 'failed') ?? ended.find(({ state }) => state === 'cancelled')
  if (bad === undefined) return { state: 'done' }
  if (bad.state === 'cancelled') return { state: 'cancelled' }
  return {
    state: 'failed',
    code: bad.code ?? 'JOB_FAILED',
    message: `blob ${bad.blob} could not be brought to ${bad.host}`,
  }
}
