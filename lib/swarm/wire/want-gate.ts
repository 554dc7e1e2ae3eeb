import { appError, type Clock } from '../../base/index.ts'
import { readPriorities } from '../../core/index.ts'
import { swarmLimits } from '../limits.ts'

const MINUTE_MS = 60_000

/** Counts the messages about wanted bytes of one swarm. */
export interface WantGate {
  /** @throws WIRE_FRAME_INVALID when more come within a minute than twice as many as an agent sends */
  pass(): void
}

export function wantGate(clock: Clock): WantGate {
  const most = (2 * readPriorities.length * MINUTE_MS) / swarmLimits.wantEveryMs
  let sinceMs = Number.NEGATIVE_INFINITY
  let count = 0
  return {
    pass() {
      const nowMs = clock.monotonicMs()
      if (nowMs - sinceMs >= MINUTE_MS) {
        sinceMs = nowMs
        count = 0
      }
      count += 1
      if (count > most) throw appError('WIRE_FRAME_INVALID', { message: 'too many messages about wanted bytes' })
    },
  }
}
