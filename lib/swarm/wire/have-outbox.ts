import type { Clock, Timer } from '../../base/index.ts'
import { encodeHaves, MAX_HAVES } from './have-batch.ts'

/** New pieces of ours on their way to one peer. */
export interface HaveOutbox {
  add(piece: number): void
  /** Sends nothing more. */
  stop(): void
}

export interface HaveOutboxInit {
  /** At least this long between two messages. */
  readonly everyMs: number
  readonly send: (message: Uint8Array) => void
}

/** Sends a piece at once, with all others of the same moment, when none was sent lately; else together with the next. */
export function haveOutbox(clock: Clock, { everyMs, send }: HaveOutboxInit): HaveOutbox {
  let pieces: number[] = []
  let sentMs = Number.NEGATIVE_INFINITY
  let timer: Timer | undefined
  let stopped = false
  const flush = () => {
    timer = undefined
    if (stopped) return
    sentMs = clock.monotonicMs()
    while (pieces.length > 0) send(encodeHaves(pieces.splice(0, MAX_HAVES)))
  }
  return {
    add(piece) {
      pieces.push(piece)
      if (stopped || pieces.length > 1) return
      const waitMs = sentMs + everyMs - clock.monotonicMs()
      if (waitMs <= 0) queueMicrotask(flush)
      else timer = clock.setTimer(waitMs, flush, { background: true })
    },
    stop() {
      stopped = true
      pieces = []
      timer?.cancel()
    },
  }
}
