import { Readable } from 'node:stream'
import type { AbortOptions, ByteBudget } from '../base/index.ts'
import type { ByteRange } from '../core/index.ts'
import type { ReadHandle } from './medium.ts'
import { sliceLengths } from './slice-lengths.ts'

export interface RangeStreamOptions extends AbortOptions {
  readonly onClose?: () => void
  /** Where the memory for slices is counted; default: the one of the process. */
  readonly budget?: ByteBudget
}

/**
 * Streams the bytes of `range`, slice by slice, at the consumer's pace. Opens the file when the stream is created and
 * closes it when the stream ends, whatever the reason. Slices are small while many other streams hold large ones, so that
 * consumers that do not read cost little.
 */
export function rangeStream(
  open: () => Promise<ReadHandle>,
  range: ByteRange,
  { signal, onClose, budget }: RangeStreamOptions = {},
): Readable {
  let handle: ReadHandle | undefined
  let position = range.start
  const slices = sliceLengths(budget)
  return new Readable({
    // Any slice fills the stream, so the next one is read when the consumer has taken it.
    highWaterMark: 1,
    ...(signal === undefined ? {} : { signal }),
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
      const slice = { start: position, end: position + slices.next(range.end - position) }
      position = slice.end
      handle.read(slice).then(
        (bytes) => {
          if (!this.destroyed) this.push(bytes)
        },
        (err: unknown) => this.destroy(err as Error),
      )
    },
    destroy(err, done) {
      slices.end()
      onClose?.()
      if (handle === undefined) done(err)
      else
        handle.close().then(
          () => done(err),
          (failure: unknown) => done(err ?? (failure as Error)),
        )
    },
  })
}
