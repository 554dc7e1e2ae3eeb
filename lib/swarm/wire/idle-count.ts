import { appError } from '../../base/index.ts'
import { swarmLimits } from '../limits.ts'

/** Messages of one connection that told nothing new. */
export interface IdleCount {
  /** @throws WIRE_FRAME_INVALID when there are too many per minute */
  add(): void
  /** Call it every minute. */
  forget(): void
}

export function idleCount(): IdleCount {
  let count = 0
  return {
    add() {
      count += 1
      if (count > swarmLimits.maxIdleMessages) {
        throw appError('WIRE_FRAME_INVALID', { message: 'too many messages tell nothing new' })
      }
    },
    forget() {
      count = 0
    },
  }
}
