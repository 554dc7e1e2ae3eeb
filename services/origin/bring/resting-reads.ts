import { rankOf } from '../../../lib/backend/index.ts'
import { type Clock, hasCode, isAppError } from '../../../lib/base/index.ts'
import type { ReadPriority } from '../../../lib/core/index.ts'
import type { Holds } from './holds.ts'
import type { Intake } from './intake.ts'
import type { RunReads } from './run-reads.ts'

/** A rest without a time that the backend gave, and the longest. */
const REST_MS = { usual: 1_000, longest: 60_000 }

/**
 * Reads that the backend has asked to slow down for longer than a request waits. Nobody waits for what only completes a
 * blob, so it rests, while what is more urgent goes on: whoever reads the blob does not fail because of it.
 */
export interface RestingReads {
  /** Whether reads of this priority are not to begin now. */
  hold(priority: ReadPriority): boolean
  /**
   * After a read has failed with `err`: returns when it may be tried again. @throws `err` when it is no such failure, or
   * somebody waits for this read and for nothing more urgent, ABORTED
   */
  after(err: unknown, priority: ReadPriority, signal: AbortSignal): Promise<void>
}

export function restingReads(
  { clock, reads }: { readonly clock: Clock; readonly reads: Pick<RunReads, 'begin'> },
  { arrival }: Pick<Intake, 'arrival'>,
  holds: Pick<Holds, 'whole'>,
): RestingReads {
  const resting = new Map<object, ReadPriority>()
  const { map, demand } = arrival

  return {
    hold: (priority) => [...resting.values()].some((rested) => rankOf(priority) >= rankOf(rested)),
    async after(err, priority, signal) {
      const wanted = demand.priorityOf(0, map.count - 1)
      const goesOn = wanted === undefined ? !holds.whole : rankOf(wanted) < rankOf(priority)
      if (!hasCode(err, 'BACKEND_THROTTLED') || !goesOn) throw err
      const asked = isAppError(err) ? err.detail?.['retryAfterMs'] : undefined
      const one = {}
      resting.set(one, priority)
      const end = reads.begin('rest')
      try {
        const ms = typeof asked === 'number' ? asked : REST_MS.usual
        await clock.sleep(Math.min(REST_MS.longest, Math.max(1, ms)), { signal })
      } finally {
        end()
        resting.delete(one)
      }
    },
  }
}
