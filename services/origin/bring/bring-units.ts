import { abortable, abortController, anySignal, deferred } from '../../../lib/base/index.ts'
import type { PlannedUnit } from './ingest-plan.ts'
import type { Intake } from './intake.ts'

export interface UnitWork<U extends PlannedUnit> {
  readonly intake: Intake
  /**
   * What is read next, beside so many units that are being read; undefined when there is nothing to read until something
   * is asked for, or a unit has ended.
   */
  readonly plan: (running: number) => U | undefined
  /** Reads one unit, which `plan` has given, into the intake. It calls `look` when more may be planned beside it. */
  readonly read: (unit: U, init: { readonly signal: AbortSignal; readonly look: () => void }) => Promise<void>
  readonly signal: AbortSignal
}

/**
 * Reads unit after unit until the blob is whole; when one fails, the others are stopped. When this returns or throws,
 * none is read any more. @throws what `read` threw first, ABORTED
 */
export async function bringUnits<U extends PlannedUnit>(work: UnitWork<U>): Promise<void> {
  const { intake } = work
  const stop = abortController()
  const signal = anySignal([work.signal, stop.signal])
  const running = new Set<Promise<void>>()
  let failure: { readonly err: unknown } | undefined
  let moved = deferred()
  intake.listen(() => moved.resolve())

  const begin = (unit: U) => {
    const reading = work
      .read(unit, { signal, look: () => moved.resolve() })
      .catch((err: unknown) => {
        failure ??= { err }
        stop.abort()
      })
      .finally(() => {
        running.delete(reading)
        moved.resolve()
      })
    running.add(reading)
  }
  const beginAll = () => {
    for (let unit = work.plan(running.size); unit !== undefined; unit = work.plan(running.size)) begin(unit)
  }

  try {
    // A unit has ended only when its source has: one that sends too much is wrong.
    while (failure === undefined && !(intake.isWhole && running.size === 0)) {
      moved = deferred()
      beginAll()
      await abortable(moved.promise, work.signal)
    }
  } finally {
    stop.abort()
    await Promise.all(running)
  }
  if (failure !== undefined) throw failure.err
}
