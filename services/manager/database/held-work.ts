import { type Startable, untilAborted } from '../../../lib/base/index.ts'
import type { HeldLease, Leases } from './leases.ts'

/** Work that may be asked to look again at once. */
type Asked = Startable & { ask?(): void }

export interface HeldWork extends Startable {
  /** Passed on to the work, where this manager does it. */
  ask(): void
}

/** What `make` makes runs for as long as this manager has the duty. */
export function heldWork(duties: Leases, name: string, make: (lease: HeldLease) => Asked): HeldWork {
  let running: Asked | undefined
  const duty = duties.duty(name, async (lease, signal) => {
    const work = make(lease)
    running = work
    await work.start()
    await untilAborted(signal)
    running = undefined
    await work.stop()
  })
  return { start: () => duty.start(), stop: () => duty.stop(), ask: () => running?.ask?.() }
}
