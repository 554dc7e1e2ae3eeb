import { Readable } from 'node:stream'
import {
  type AbortOptions,
  type AppError,
  abortController,
  abortsWith,
  appError,
  type ByteBudget,
  isAbort,
  readAhead,
  toAppError,
} from '../../../base/index.ts'
import type { ByteRange } from '../../../core/index.ts'
import type { DemandOptions } from '../shared/demand.ts'
import type { Loan } from '../shared/loan.ts'
import { type PullWatch, unwatched } from '../shared/pull-trace.ts'

/** Where a reader takes its bytes from, in order. */
export interface ReadSource {
  /**
   * Waits until the byte at `range.start` can be read, then fills `into` with as many bytes as are available and
   * returns their number. `into` is not longer than the range.
   * @throws ABORTED, and the error that ended the blob
   */
  next(range: ByteRange, into: Uint8Array, signal: AbortSignal): Promise<number>
  /**
   * Like `next`, but without a copy and perhaps with fewer bytes; undefined when `next` must be used for these bytes.
   */
  lend(range: ByteRange, signal: AbortSignal): Promise<Loan | undefined>
  /** The reader is done, in whatever way. Once. */
  close(): void
}

export interface ReadOptions extends AbortOptions, DemandOptions {
  /**
   * The memory of a chunk is reused when some more chunks have been read, or when the stream has closed early. Only for
   * consumers that pass each chunk on and wait until it is sent, and whose socket is destroyed by an early end, as in a
   * pipeline; it saves a copy and garbage collection. Default false.
   */
  readonly transient?: boolean
}

export interface ReaderOptions extends ReadOptions {
  /** Where the memory of transient chunks is counted; default: the one of the process. */
  readonly budget?: ByteBudget
}

/** Largest chunk in bytes, and the number of chunk buffers that a transient stream reuses in turn. */
const CHUNK_LENGTH = 256 * 1024
const RING = 8
/** Largest chunk of a transient stream that finds the budget used up. */
const SMALL_CHUNK_LENGTH = 64 * 1024
/** Most bytes lent at once: larger and fewer writes while the client keeps up. */
const LOAN_LENGTH = 1024 * 1024
/**
 * A loan has left the socket when this many bytes were read after it: one loan is in the stream, one in the socket, and
 * a third is a safety margin.
 */
const LOAN_LAG = 3 * LOAN_LENGTH

/**
 * The bytes of `range` as a stream. Nothing is read ahead of the consumer, and a transient stream takes smaller chunks
 * while others hold much, so that consumers that do not read cost little. It is destroyed with an AppError when the
 * signal fires (ABORTED) or the source fails.
 */
export function sourceReadable(
  source: ReadSource,
  range: ByteRange,
  options: ReaderOptions = {},
  watch: PullWatch = unwatched(),
): Readable {
  return new SourceReadable({ source, watch }, range, options)
}

class SourceReadable extends Readable {
  readonly #source: ReadSource
  readonly #watch: PullWatch
  readonly #end: number
  readonly #controller = abortController()
  readonly #budget: ByteBudget
  /** By turns; there are gaps while the budget is used up. */
  readonly #ring: (Uint8Array | undefined)[] | undefined
  #ringBytes = 0
  #turn = 0
  /** The loans, oldest first, and where each ends. */
  readonly #lent: { readonly release: () => void; readonly end: number }[] = []
  readonly #start: number
  #at: number
  #reading = false

  constructor(
    { source, watch }: { readonly source: ReadSource; readonly watch: PullWatch },
    range: ByteRange,
    options: ReaderOptions,
  ) {
    // Any chunk fills the stream, so the next one is read when the consumer has taken it.
    super({ highWaterMark: 1 })
    const { signal, transient = false, budget = readAhead } = options
    this.#budget = budget
    this.#ring = transient ? [] : undefined
    this.#source = source
    this.#watch = watch
    this.#start = range.start
    this.#at = range.start
    this.#end = range.end
    // The consumer may stop listening in the same turn in which the stream fails; that must not crash the process.
    this.on('error', () => undefined)
    // Not earlier, because the pipeline destroys the socket only after the stream's error.
    this.once('close', () => {
      for (const { release } of this.#lent.splice(0)) release()
      this.#budget.give(this.#ringBytes)
      this.#ringBytes = 0
    })
    abortsWith(this, signal)
  }

  /** One chunk for each call: the stream calls again when it wants more, also from within `push`. */
  override _read(): void {
    if (this.#reading) return
    if (this.#at >= this.#end) {
      this.push(null)
      return
    }
    this.#reading = true
    // What is here comes from the store; what is not, whoever is read from knows better.
    this.#watch.turn('disk')
    this.#take().then(
      (chunk) => this.#deliver(chunk),
      (err: unknown) => this.destroy(asError(err)),
    )
  }

  /**
   * The next bytes, lent where possible. The last bytes are copied, because after the end of the stream nobody reports
   * when they have been sent.
   */
  async #take(): Promise<Uint8Array> {
    const { signal } = this.#controller
    if (this.#ring !== undefined && this.#end - this.#at > LOAN_LENGTH + LOAN_LAG) {
      const loan = await this.#source.lend({ start: this.#at, end: this.#at + LOAN_LENGTH }, signal)
      if (loan !== undefined) return this.#keep(loan)
    }
    const chunk = this.#chunk(Math.min(CHUNK_LENGTH, this.#end - this.#at))
    const length = await this.#source.next({ start: this.#at, end: this.#end }, chunk, signal)
    return length === chunk.length ? chunk : chunk.subarray(0, length)
  }

  #keep({ bytes, release }: Loan): Uint8Array {
    if (this.closed) release()
    else this.#lent.push({ release, end: this.#at + bytes.length })
    return bytes
  }

  #deliver(chunk: Uint8Array): void {
    if (this.destroyed) return
    this.#reading = false
    this.#watch.turn('client')
    if (this.#at === this.#start) this.#watch.firstByte()
    this.#at += chunk.length
    while (this.#lent[0] !== undefined && this.#at - this.#lent[0].end >= LOAN_LAG) this.#lent.shift()?.release()
    this.push(chunk)
  }

  #chunk(length: number): Uint8Array {
    if (this.#ring === undefined || length <= SMALL_CHUNK_LENGTH) return Buffer.allocUnsafeSlow(length)
    this.#turn = (this.#turn + 1) % RING
    this.#ring[this.#turn] ??= this.#ringChunk()
    return this.#ring[this.#turn]?.subarray(0, length) ?? Buffer.allocUnsafeSlow(SMALL_CHUNK_LENGTH)
  }

  #ringChunk(): Uint8Array | undefined {
    if (this.closed || !this.#budget.take(CHUNK_LENGTH)) return undefined
    this.#ringBytes += CHUNK_LENGTH
    return Buffer.allocUnsafeSlow(CHUNK_LENGTH)
  }

  override _destroy(err: Error | null, done: (err?: Error | null) => void): void {
    this.#controller.abort(err ?? undefined)
    this.#source.close()
    done(err)
  }
}

function asError(err: unknown): AppError {
  return isAbort(err) ? appError('ABORTED', { cause: err }) : toAppError(err)
}
