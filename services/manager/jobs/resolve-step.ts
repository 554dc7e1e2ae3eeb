import { appError } from '../../../lib/base/index.ts'
import { isOpen } from './model.ts'
import { endOf, type Step } from './step.ts'

/** Whoever has the credentials and gives no sign of life for so long is gone, and they with it. */
const SILENT_MS = 15_000

/**
 * Waits until the manager to which the credentials were shown has asked the registry what the image is: whoever may not read it there
 * starts nothing here. From then on the job needs no credentials; the clusters bring the image with their own.
 */
export const resolveStep: Step = async ({ job, part, ledger, clock, signal, verdict, lookMs }) => {
  let beat = part.remoteId
  // Counted by looks, not by a clock: who stood still himself has heard nobody, and nobody is gone for that.
  for (let silentMs = 0; ; silentMs += lookMs) {
    const over = verdict()
    if (over !== undefined) return endOf(over)
    const now = (await ledger.look(job.id, { n: part.n }))?.parts[0]
    // Its end is written, with what follows; this one changes nothing of it.
    if (now === undefined || !isOpen(now.state)) return { state: 'done' }
    if (now.remoteId !== beat) silentMs = 0
    else if (silentMs >= Math.max(SILENT_MS, 2 * lookMs)) throw appError('CREDENTIALS_LOST')
    beat = now.remoteId
    await clock.sleep(lookMs, { signal })
  }
}
