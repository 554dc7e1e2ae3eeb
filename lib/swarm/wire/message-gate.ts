import { appError, type Clock } from '../../base/index.ts'
import { readPriorities } from '../../core/index.ts'
import { swarmLimits } from '../limits.ts'

const MINUTE_MS = 60_000

/** Counts messages of one kind in one swarm. */
export interface MessageGate {
  /** @throws WIRE_FRAME_INVALID when more come within a minute than twice as many as an agent sends */
  pass(): void
}

/** For messages about wanted bytes. */
export function wantGate(clock: Clock): MessageGate {
  return gate(clock, (2 * readPriorities.length * MINUTE_MS) / swarmLimits.wantEveryMs, 'wanted bytes')
}

/** For messages about the class: it sinks seldom, and rises at most as often. */
export function classGate(clock: Clock): MessageGate {
  return gate(clock, (4 * MINUTE_MS) / swarmLimits.classSinkMs, 'a class')
}

function gate(clock: Clock, most: number, about: string): MessageGate {
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
      if (count > most) throw appError('WIRE_FRAME_INVALID', { message: `too many messages about ${about}` })
    },
  }
}
