import { type Clock, type Rounds, rounds } from '../../../lib/base/index.ts'
import type { HandOver } from './hand-over.ts'
import type { Leaving, LeavingState } from './leaving.ts'

export interface HandOverRoundsComponents {
  readonly handOver: HandOver
  readonly leaving: Leaving
  readonly clock: Clock
  /**
   * Counts work that only this member knows of, such as waiting writes to the backend; it must be 0 before the member
   * has left.
   */
  readonly pending: () => Promise<number>
  /**
   * Whether all members answer. While one does not, its blobs go to members that will not keep them once it is back.
   */
  readonly isWell: () => boolean
  readonly onFailure: (err: unknown) => void
}

export interface HandOverRoundsInit {
  /** Milliseconds from the end of a walk to the next walk. */
  readonly intervalMs: number
}

/** Walks at the start and at intervals; while this member leaves, walks until nothing is left to hand over. */
export interface HandOverRounds extends Rounds {
  readonly state: LeavingState
  /** Begins to leave: this member owns no blob any more and hands over what only it has. Idempotent. */
  leave(): void
  /** Takes `leave` back. Idempotent. */
  stay(): void
}

/** Pause before a leaving member tries again what it could not hand over. */
const LEAVING_RETRY_MS = 5_000
/** The same pause for a member that stays. */
const UNSETTLED_RETRY_MS = 60_000

export function handOverRounds(components: HandOverRoundsComponents, init: HandOverRoundsInit): HandOverRounds {
  const { handOver, leaving, clock, pending, isWell } = components

  const work = async (signal: AbortSignal): Promise<number> => {
    const began = leaving.state
    const { unsafe, failures } = await handOver.walk({ signal, fresh: began !== 'staying' })
    // The state changed during the walk, so the walk says nothing about the new state.
    if (leaving.state !== began) return 0
    if (began === 'staying') {
      const isSettled = unsafe === 0 && failures === 0 && isWell()
      return isSettled ? init.intervalMs : Math.min(init.intervalMs, UNSETTLED_RETRY_MS)
    }
    const isDone = unsafe === 0 && failures === 0 && (await pending()) === 0
    leaving.settle(isDone)
    return isDone ? init.intervalMs : LEAVING_RETRY_MS
  }

  const loop = rounds(clock, { work, onFailure: components.onFailure, retryMs: LEAVING_RETRY_MS })

  return {
    ...loop,
    get state() {
      return leaving.state
    },
    leave() {
      if (leaving.leave()) loop.ask()
    },
    stay() {
      if (leaving.stay()) loop.ask()
    },
  }
}
