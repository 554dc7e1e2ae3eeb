import { abortable, abortController, anySignal, deferred } from '../../../lib/base/index.ts'
import type { Holds } from './holds.ts'
import type { PlannedUnit } from './ingest-plan.ts'
import type { Intake } from './intake.ts'
import type { RunReads } from './run-reads.ts'

export interface UnitWork<U extends PlannedUnit> {
  readonly intake: Intake
  readonly holds: Holds
  readonly reads: Pick<RunReads, 'begin'>
  /**
   * What is read next, beside so many units that are being read; undefined when there is nothing to read until something
   * is asked for, or a unit has ended.
   */
  readonly plan: (running: number) => U | undefined
  /** Reads one unit, which `plan` has given, into the intake. It calls `look` when more may be planned beside it. */
  readonly read: (unit: U, init: { readonly signal: AbortSignal; readonly look: () => void }) => Promise<void>
  /** What is read comes to its end soon. Then it is read to there when nobody wants the blob any more: its bytes are on their way. */
  readonly isSoonDone: () => boolean
  readonly signal: AbortSignal
}

/**
 * Reads unit after unit until the blob is whole, or until nobody wants it; when one fails, the others are stopped. When this
 * returns or throws, none is read any more. @throws what `read` threw first, ABORTED
 */
export async function bringUnits<U extends PlannedUnit>(work: UnitWork<U>): Promise<void> {
  const { intake, holds } = work
  const stop = abortController()
  const signal = anySignal([work.signal, stop.signal])
  const running = new Set<Promise<void>>()
  let failure: { readonly err: unknown } | undefined
  let moved = deferred()
  const look = () => moved.resolve()
  intake.listen(look)
  holds.listen(look)

  const begin = (unit: U) => {
    const end = work.reads.begin('read')
    const reading = work
      .read(unit, { signal, look })
      .catch((err: unknown) => {
        failure ??= { err }
        stop.abort()
      })
      .finally(() => {
        end()
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
      if (holds.over && (running.size === 0 || !work.isSoonDone())) return
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
