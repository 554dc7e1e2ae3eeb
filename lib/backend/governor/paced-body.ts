import { Readable } from 'node:stream'
import { abortController, abortsWith, appError, type Clock, toAppError } from '../../base/index.ts'
import type { TurnOptions, UrgentFirst } from './urgent-first.ts'

export interface PacedBodyComponents {
  readonly clock: Clock
  /** Limits the bytes per second. */
  readonly bucket: Pick<UrgentFirst, 'take'>
}

export interface PacedBodyInit extends TurnOptions {
  /** Longest wait of the reader for a byte, in milliseconds. */
  readonly stall: number
}

/** Implements `Governor.received`. */
export function pacedBody({ clock, bucket }: PacedBodyComponents, body: Readable, init: PacedBodyInit): Readable {
  const { stall, signal, urgency } = init
  const chunks = (body as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]()
  const closed = abortController()
  // The body may fail before anybody reads it, which must not crash the process; the first read gets the error.
  body.on('error', () => undefined)

  const chunkInTime = async () => {
    const timer = clock.setTimer(stall, () => paced.destroy(stalled(stall)))
    try {
      return await chunks.next()
    } finally {
      timer.cancel()
    }
  }

  const giveOn = async () => {
    const next = await chunkInTime()
    if (next.done === true) return void paced.push(null)
    await bucket.take(next.value.length, { signal: closed.signal, urgency })
    paced.push(next.value)
  }

  const paced = new Readable({
    // Reading ahead would look as if somebody were reading.
    highWaterMark: 0,
    read() {
      giveOn().catch((err: unknown) => paced.destroy(toAppError(err, 'BACKEND_UNAVAILABLE')))
    },
    destroy(err, done) {
      closed.abort()
      body.destroy()
      done(err)
    },
  })
  abortsWith(paced, signal)
  return paced
}

function stalled(stall: number) {
  return appError('BACKEND_UNAVAILABLE', { message: 'the backend stopped sending', detail: { stallMs: stall } })
}
