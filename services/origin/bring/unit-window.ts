import type { PlannedRun } from './ingest-plan.ts'

/** Units of one blob that may be read at the same time when the next one is as urgent as this: those that wait find room. */
const UNITS_AT_ONCE = { onDemand: 6, prefetch: 4, fill: 3 }

/**
 * How many units of one blob are read at a time. All of them share what the backend gives in a second, so whoever waits for
 * one unit waits longer for each that is read beside it. What nobody waits for begins with one unit, and one more is read
 * beside it for each that has ended. A read here and there, which is not the next part of anything that comes, sets it
 * back to one; and while such a read is under way, nothing that nobody waits for begins.
 */
export interface UnitWindow {
  /** Whether this unit may begin beside so many that are being read. */
  hasRoom(unit: Pick<PlannedRun, 'priority'>, running: number): boolean
  /** A unit begins; call the result once when it has ended. */
  begin(unit: Pick<PlannedRun, 'priority' | 'isApart'>): () => void
}

export function unitWindow(): UnitWindow {
  let grown = 1
  let scattered = 0

  return {
    hasRoom({ priority }, running) {
      if (priority === 'onDemand') return running < UNITS_AT_ONCE.onDemand
      return scattered === 0 && running < Math.min(grown, UNITS_AT_ONCE[priority])
    },
    begin({ priority, isApart }) {
      const counts = priority === 'onDemand' && isApart
      if (counts) {
        scattered += 1
        grown = 1
      }
      return () => {
        if (counts) scattered -= 1
        grown += 1
      }
    },
  }
}
