import { Readable } from 'node:stream'
import { type AppError, appError, type Clock, type Timer } from '../base/index.ts'

export interface ResponseBodyInit {
  /** Longest pause between two chunks while the reader is waiting; 0 means no limit. */
  readonly idleMs: number
  /** Tells the connection to pause or to continue. */
  readonly flow: (paused: boolean) => void
  /** Closes the connection when nobody wants the answer any more. */
  readonly cut: (err: AppError) => void
  /** Called once when the body is over, for whatever reason. */
  readonly onClose: () => void
}

/** The body of an answer, filled by the connection. */
export interface ResponseBody {
  readonly readable: Readable
  push(chunk: Uint8Array): void
  end(): void
  fail(err: AppError): void
}

/** Beside what the connection holds; a reader that does not read costs as much. */
const BUFFER_BYTES = 128 * 1024

/** Applies backpressure and the idle limit; fails with STALLED at the limit. */
export function responseBody(clock: Clock, init: ResponseBodyInit): ResponseBody {
  let whole = false
  let held = false
  let timer: Timer | undefined
  let lastMs = 0

  const watch = (inMs: number) => {
    timer = clock.setTimer(inMs, () => {
      const quietMs = held ? 0 : clock.monotonicMs() - lastMs
      if (quietMs >= init.idleMs) readable.destroy(appError('STALLED', { detail: { idleMs: init.idleMs } }))
      else watch(init.idleMs - quietMs)
    })
  }
  const touch = () => {
    lastMs = clock.monotonicMs()
    if (timer === undefined && init.idleMs > 0) watch(init.idleMs)
  }
  const readable = new Readable({
    highWaterMark: BUFFER_BYTES,
    read() {
      touch()
      if (!held) return
      held = false
      init.flow(false)
    },
    destroy(err, done) {
      timer?.cancel()
      if (!whole) init.cut(appError('ABORTED', { message: 'the reader closed the answer', cause: err ?? undefined }))
      init.onClose()
      done(err)
    },
  })

  // The body may fail before its owner reads it; a later reader still gets the error.
  readable.on('error', () => undefined)

  return {
    readable,
    push(chunk) {
      touch()
      if (readable.destroyed || readable.push(chunk)) return
      held = true
      init.flow(true)
    },
    end() {
      whole = true
      timer?.cancel()
      timer = undefined
      if (!readable.destroyed) readable.push(null)
    },
    fail(err) {
      whole = true
      readable.destroy(err)
    },
  }
}
