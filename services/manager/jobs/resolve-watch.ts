import { appError, type Clock } from '../../../lib/base/index.ts'
import type { JobLedger, OpenJob } from './job-ledger.ts'
import { isOpen } from './model.ts'

/** Whoever has the credentials and gives no sign of life for so long is gone, and they with it. */
const SILENT_MS = 15_000

export interface ResolveWatchComponents {
  readonly ledger: Pick<JobLedger, 'look' | 'endPart' | 'setJob'>
  readonly clock: Pick<Clock, 'now' | 'monotonicMs'>
  /** Between two looks. */
  readonly lookMs: number
}

/** Ends the images of a job of which nobody has the credentials any more. */
async function lose(ledger: ResolveWatchComponents['ledger'], id: string): Promise<void> {
  const { code, message } = appError('CREDENTIALS_LOST')
  const parts = (await ledger.look(id))?.parts ?? []
  for (const part of parts.filter(({ step, state }) => step === 'resolve' && isOpen(state)))
    await ledger.endPart(part, { state: 'failed', code, message })
}

/**
 * Looks after the jobs that wait for nothing but the manager to which the credentials were shown, until it has asked the registry what
 * their images are: whoever may not read them there starts nothing here. They take no place from others. From then on a job needs no
 * credentials; the clusters bring the image with their own.
 */
export function resolveWatch({
  ledger,
  clock,
  lookMs,
}: ResolveWatchComponents): (open: readonly OpenJob[]) => Promise<void> {
  const heard = new Map<string, { readonly beat: string | null; readonly silentMs: number }>()
  let lookedMs = clock.monotonicMs()
  return async (open) => {
    const nowMs = clock.monotonicMs()
    // No longer than a look: who stood still himself has heard nobody, and nobody is gone for that.
    const passedMs = Math.min(nowMs - lookedMs, lookMs)
    lookedMs = nowMs
    const waits = open.filter(
      ({ left, cancelAtMs, untilMs }) => left === 'resolve' && cancelAtMs === null && clock.now() <= untilMs,
    )
    const ids = new Set(waits.map(({ id }) => id))
    for (const id of heard.keys()) if (!ids.has(id)) heard.delete(id)
    for (const { id, beat, state } of waits) {
      const before = heard.get(id)
      const silentMs = before === undefined || before.beat !== beat ? 0 : before.silentMs + passedMs
      heard.set(id, { beat, silentMs })
      if (state === 'waiting') await ledger.setJob(id, { state: 'running' })
      if (silentMs >= Math.max(SILENT_MS, 2 * lookMs)) await lose(ledger, id)
    }
  }
}
