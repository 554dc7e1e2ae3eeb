import { Readable } from 'node:stream'
import { type AbortOptions, type AppError, appError, isAbort, toAppError } from '../../base/index.ts'
import type { ByteRange } from '../../core/index.ts'

/** Where a reader takes its bytes from, in order. */
export interface ReadSource {
  /**
   * Waits until the byte at `range.start` can be read; returns it and what follows, as many bytes as come at once, at
   * most the range. The result is shared: nobody writes to it.
   * @throws ABORTED, and what ended the blob
   */
  next(range: ByteRange, signal: AbortSignal): Promise<Uint8Array>
  /** The reader is done, in whatever way. Once. */
  close(): void
}

/**
 * The bytes of `range` as a stream. Nothing is read ahead of the consumer. It is destroyed with an AppError when the
 * signal fires (ABORTED) or the source fails.
 */
export function sourceReadable(source: ReadSource, range: ByteRange, options: AbortOptions = {}): Readable {
  return new SourceReadable(source, range, options.signal)
}

class SourceReadable extends Readable {
  readonly #source: ReadSource
  readonly #end: number
  readonly #controller = new AbortController()
  readonly #outer: AbortSignal | undefined
  #at: number
  #reading = false

  constructor(source: ReadSource, range: ByteRange, outer: AbortSignal | undefined) {
    super({ highWaterMark: 1024 * 1024 })
    this.#source = source
    this.#at = range.start
    this.#end = range.end
    this.#outer = outer
    if (outer?.aborted === true) this.#giveUp()
    else outer?.addEventListener('abort', this.#giveUp, { once: true })
  }

  readonly #giveUp = () => {
    this.destroy(appError('ABORTED', { cause: this.#outer?.reason }))
  }

  override _read(): void {
    if (this.#reading) return
    this.#reading = true
    this.#fill().then(
      () => {
        this.#reading = false
      },
      (err: unknown) => this.destroy(asError(err)),
    )
  }

  async #fill(): Promise<void> {
    let wanted = true
    while (wanted && this.#at < this.#end) {
      const bytes = await this.#source.next({ start: this.#at, end: this.#end }, this.#controller.signal)
      if (this.destroyed) return
      this.#at += bytes.length
      wanted = this.push(bytes)
    }
    if (this.#at >= this.#end) this.push(null)
  }

  override _destroy(err: Error | null, done: (err?: Error | null) => void): void {
    this.#outer?.removeEventListener('abort', this.#giveUp)
    this.#controller.abort(err ?? undefined)
    this.#source.close()
    done(err)
  }
}

function asError(err: unknown): AppError {
  return isAbort(err) ? appError('ABORTED', { cause: err }) : toAppError(err)
}
