import { Readable } from 'node:stream'
import type { AbortOptions } from '../base/index.ts'
import type { ByteRange } from '../core/index.ts'
import type { ReadHandle } from './medium.ts'

/** Bytes that are read from the medium at once. */
export const SLICE_BYTES = 1024 * 1024

/** The next slice is read while the consumer has the current one. */
const AHEAD_BYTES = 2 * SLICE_BYTES

/**
 * Streams the bytes of `range`, slice by slice, at the consumer's pace. Opens the file when the stream is created and
 * closes it when the stream ends, whatever the reason.
 */
export function rangeStream(
  open: () => Promise<ReadHandle>,
  range: ByteRange,
  options: AbortOptions & { readonly onClose?: () => void } = {},
): Readable {
  let handle: ReadHandle | undefined
  let position = range.start
  return new Readable({
    highWaterMark: AHEAD_BYTES,
    ...(options.signal === undefined ? {} : { signal: options.signal }),
    construct(done) {
      open().then((opened) => {
        handle = opened
        done()
      }, done)
    },
    read() {
      if (handle === undefined || position >= range.end) {
        this.push(null)
        return
      }
      const slice = { start: position, end: Math.min(range.end, position + SLICE_BYTES) }
      position = slice.end
      handle.read(slice).then(
        (bytes) => {
          if (!this.destroyed) this.push(bytes)
        },
        (err: unknown) => this.destroy(err as Error),
      )
    },
    destroy(err, done) {
      options.onClose?.()
      if (handle === undefined) done(err)
      else
        handle.close().then(
          () => done(err),
          (failure: unknown) => done(err ?? (failure as Error)),
        )
    },
  })
}
