import { Readable } from 'node:stream'
import { type AbortOptions, type AppError, appError, isAbort, toAppError } from '../../base/index.ts'
import type { ByteRange } from '../../core/index.ts'

/** Where a reader takes its bytes from, in order. */
export interface ReadSource {
  /**
   * Waits until the byte at `range.start` can be read; writes it and what follows to `into`, as many bytes as come at
   * once, and returns how many. `into` is no longer than the range.
   * @throws ABORTED, and what ended the blob
   */
  next(range: ByteRange, into: Uint8Array, signal: AbortSignal): Promise<number>
  /** The reader is done, in whatever way. Once. */
  close(): void
}

export interface ReadOptions extends AbortOptions {
  /**
   * The memory of a chunk is used again once some more have been read. For consumers that pass each chunk on and wait
   * until it has left, as a pipeline into a socket does; it saves the garbage collection of every byte. Default false.
   */
  readonly transient?: boolean
}

/** Bytes of one chunk at most, and how many chunks a transient stream goes through before it begins again. */
const CHUNK_LENGTH = 256 * 1024
const RING = 6

/**
 * The bytes of `range` as a stream. Nothing is read ahead of the consumer. It is destroyed with an AppError when the
 * signal fires (ABORTED) or the source fails.
 */
export function sourceReadable(source: ReadSource, range: ByteRange, options: ReadOptions = {}): Readable {
  return new SourceReadable(source, range, options)
}

class SourceReadable extends Readable {
  readonly #source: ReadSource
  readonly #end: number
  readonly #controller = new AbortController()
  readonly #outer: AbortSignal | undefined
  readonly #ring: Uint8Array[] | undefined
  #turn = 0
  #at: number
  #reading = false

  constructor(source: ReadSource, range: ByteRange, { signal: outer, transient = false }: ReadOptions) {
    super({ highWaterMark: CHUNK_LENGTH })
    this.#ring = transient ? [] : undefined
    this.#source = source
    this.#at = range.start
    this.#end = range.end
    this.#outer = outer
    // The consumer may have let go in the very turn in which the stream ends; an error nobody hears is no crash.
    this.on('error', () => undefined)
    if (outer?.aborted === true) this.#giveUp()
    else outer?.addEventListener('abort', this.#giveUp, { once: true })
  }

  readonly #giveUp = () => {
    this.destroy(appError('ABORTED', { cause: this.#outer?.reason }))
  }

  /** One chunk for each call: the stream calls again when it wants more, also from within `push`. */
  override _read(): void {
    if (this.#reading) return
    if (this.#at >= this.#end) {
      this.push(null)
      return
    }
    this.#reading = true
    const chunk = this.#chunk(Math.min(CHUNK_LENGTH, this.#end - this.#at))
    this.#source.next({ start: this.#at, end: this.#end }, chunk, this.#controller.signal).then(
      (length) => this.#deliver(chunk, length),
      (err: unknown) => this.destroy(asError(err)),
    )
  }

  #deliver(chunk: Uint8Array, length: number): void {
    if (this.destroyed) return
    this.#reading = false
    this.#at += length
    this.push(length === chunk.length ? chunk : chunk.subarray(0, length))
  }

  #chunk(length: number): Uint8Array {
    if (this.#ring === undefined) return Buffer.allocUnsafeSlow(length)
    this.#turn = (this.#turn + 1) % RING
    const memory = this.#ring[this.#turn] ?? Buffer.allocUnsafeSlow(CHUNK_LENGTH)
    this.#ring[this.#turn] = memory
    return memory.subarray(0, length)
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
