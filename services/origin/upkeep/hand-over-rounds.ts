import type { Clock } from '../../../lib/base/index.ts'
import type { HandOver } from './hand-over.ts'
import type { Leaving, LeavingState } from './leaving.ts'
import { type Rounds, rounds } from './rounds.ts'

export interface HandOverRoundsComponents {
  readonly handOver: HandOver
  readonly leaving: Leaving
  readonly clock: Clock
  /**
   * Work that only this member knows of, such as writes to the backend that wait; it must be done before it has left.
   */
  readonly pending: () => Promise<number>
  /** Whether all members answer. While they do not, blobs go to others than they will when they are back. */
  readonly isWell: () => boolean
  readonly onFailure: (err: unknown) => void
}

export interface HandOverRoundsInit {
  /** From the end of a walk to the next. */
  readonly intervalMs: number
}

/** Hands over at the start, again and again, and until nothing is left when this member is about to leave. */
export interface HandOverRounds extends Rounds {
  readonly state: LeavingState
  /** Announces that this member leaves: it owns nothing any more, and hands over what only it has. Idempotent. */
  leave(): void
  /** Takes that back. Idempotent. */
  stay(): void
}

/** A member about to leave looks again this soon at what could not be handed over. */
const LEAVING_RETRY_MS = 5_000
/** And one that stays, this soon. */
const UNSETTLED_RETRY_MS = 60_000

export function handOverRounds(components: HandOverRoundsComponents, init: HandOverRoundsInit): HandOverRounds {
  const { handOver, leaving, clock, pending, isWell } = components

  const work = async (signal: AbortSignal): Promise<number> => {
    const began = leaving.state
    const { unsafe, failures } = await handOver.walk({ signal, fresh: began !== 'staying' })
    // It may have been told to leave or to stay during the walk, which then says nothing of the new state.
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
