import { Readable } from 'node:stream'
import { type AbortOptions, abortable, appError, copyBytes, deferred } from '../../../lib/base/index.ts'
import {
  type ByteRange,
  digestAlgorithm,
  digestHex,
  HASH_LENGTH,
  releasedLength,
  wholeRange,
} from '../../../lib/core/index.ts'
import type { Hashing, RunningDigest } from '../../../lib/metainfo/index.ts'
import type { PartialBlob, Sidecars, StoredBlob } from '../../../lib/store/index.ts'
import { type PartialReading, partialBytes } from './partial-bytes.ts'

/** What has come of a blob that is being brought. */
export interface ArrivingPieces {
  readonly partial: PartialBlob
  /** Pieces from the front that are here, and whose hashes are known. */
  readonly pieces: number
  /** The SHA-256 of one of these pieces, a view of 32 bytes. */
  hashOf(piece: number): Uint8Array
  /** Waits for more than `count` such pieces. Fails with the reason given to `end`. */
  morePieces(count: number, options?: AbortOptions): Promise<void>
}

/**
 * Takes one blob into the local store, in ascending order: bytes that an earlier run left are read from the disk, and
 * the rest is given to `take`. The digest of the blob and the hash of each piece are computed in that one pass, from the
 * memory in which a piece was gathered, and off the event loop where `Hashing` has a thread. `end` ends the intake and tells its readers. Only one call of `gap`, `take` or `finish` at a time. An intake does not know
 * the source of its bytes; the swarm's `Arrival` is something else, as it takes pieces in any order.
 */
export type Intake = ArrivingPieces & IntakeWork

export interface IntakeReading extends AbortOptions, Pick<PartialReading, 'inTurn'> {}

/** How the bytes come, and who reads them. */
export interface IntakeWork {
  /** Bytes from the front that are here and hashed. */
  readonly offset: number
  /** The local store has refused a piece: the intake can take no more bytes from any source. */
  readonly broken: boolean
  /** The next missing range, which starts at `offset`; undefined when nothing is missing. @throws STORE_FULL */
  gap(): Promise<ByteRange | undefined>
  /**
   * Takes the bytes from `offset` to `end`, at most to the end of the gap. Bytes that came before a failure stay.
   * @throws PEER_CLOSED when `body` ends early, SIZE_INVALID when it is too long, STORE_FULL, or what `body` throws
   */
  take(body: AsyncIterable<Uint8Array>, end: number): Promise<void>
  /** Call when nothing is missing: the complete blob with its piece hashes, or undefined when the digest is wrong. */
  finish(): Promise<StoredBlob | undefined>
  /**
   * The bytes of `range` as they come, unverified; the withheld tail of the blob only once its digest is right. Fails
   * with the reason given to `end`.
   */
  open(range: ByteRange, options?: IntakeReading): Readable
  /** Waits until `open` would give the byte at `offset`. Fails as it would. */
  whenReadable(offset: number, options?: AbortOptions): Promise<void>
  /** Releases the partial blob, which stays on the disk. With a reason, who waits for what is missing fails with it. */
  end(reason?: unknown): void
}

interface OpenPiece {
  readonly index: number
  /** The memory, which goes back when the piece is stored, and the part of it that the piece fills. */
  readonly block: Uint8Array
  readonly bytes: Uint8Array
  filled: number
}

export interface IntakeComponents {
  readonly sidecars: Sidecars
  readonly hashing: Hashing
  /** Called for each piece that has come and is stored. */
  readonly onPiece: (piece: number) => void
}

class PartialIntake implements Intake {
  readonly partial: PartialBlob
  readonly #components: IntakeComponents
  readonly #whole: RunningDigest
  readonly #hashes: Uint8Array
  readonly #verified = deferred()
  readonly #release: () => void
  #offset = 0
  #piece: OpenPiece | undefined
  /** The previous piece may still be hashed and written: so an intake needs the memory of two pieces. */
  #writing: Promise<void> = Promise.resolve()
  #broken = false
  #pieces = 0
  #more = deferred()
  /** Those who wait have been told why no more comes. */
  #isOver = false

  constructor(components: IntakeComponents, partial: PartialBlob) {
    this.partial = partial
    this.#components = components
    this.#whole = components.hashing.digester.running(digestAlgorithm(partial.digest))
    this.#hashes = new Uint8Array(partial.map.count * HASH_LENGTH)
    this.#release = partial.lease()
  }

  get offset() {
    return this.#offset
  }

  get broken() {
    return this.#broken
  }

  get pieces() {
    return this.#pieces
  }

  hashOf(piece: number): Uint8Array {
    return this.#hashes.subarray(piece * HASH_LENGTH, (piece + 1) * HASH_LENGTH)
  }

  async morePieces(count: number, { signal }: AbortOptions = {}): Promise<void> {
    while (this.#pieces <= count) await abortable(this.#more.promise, signal)
  }

  async gap(): Promise<ByteRange | undefined> {
    await this.#writing
    const { map, have } = this.partial
    while (this.#offset < map.length && this.#piece === undefined && have.has(map.pieceAt(this.#offset))) {
      await this.#absorb()
    }
    if (this.#offset >= map.length) return undefined
    let last = map.pieceAt(this.#offset)
    while (last + 1 < map.count && !have.has(last + 1)) last += 1
    return { start: this.#offset, end: map.rangeOf(last).end }
  }

  async take(body: AsyncIterable<Uint8Array>, end: number): Promise<void> {
    for await (const chunk of body) {
      const wanted = end - this.#offset
      await this.#push(chunk.length > wanted ? chunk.subarray(0, wanted) : chunk)
      if (chunk.length > wanted) throw appError('SIZE_INVALID', { detail: { end, tooMuch: chunk.length - wanted } })
    }
    if (this.#offset < end) {
      throw appError('PEER_CLOSED', { message: 'the source ended early', detail: { end, offset: this.#offset } })
    }
  }

  async finish(): Promise<StoredBlob | undefined> {
    await this.#writing
    const { digest } = this.partial
    const actual = await this.#whole.end().catch(() => this.#digestAgain())
    if (actual !== digestHex(digest)) return undefined
    this.#verified.resolve()
    const stored = await this.partial.complete()
    // The blob is good without its piece hashes: they are computed from the disk when they are needed.
    await this.#components.sidecars.putSidecar(digest, 'pieces', this.#hashes).catch(() => undefined)
    return stored
  }

  open(range: ByteRange, { signal, inTurn }: IntakeReading = {}): Readable {
    const ready = (offset: number) => this.whenReadable(offset, { signal })
    return Readable.from(partialBytes(this.partial, range, { ready, inTurn }), { objectMode: false })
  }

  async whenReadable(offset: number, options: AbortOptions = {}): Promise<void> {
    const { map, have } = this.partial
    const piece = map.pieceAt(offset)
    if (!have.has(piece)) await this.morePieces(piece, options)
    if (offset >= releasedLength(map.length, false)) await abortable(this.#verified.promise, options.signal)
  }

  #noteNext(): void {
    this.#pieces += 1
    if (this.#isOver) return
    this.#more.resolve()
    this.#more = deferred()
  }

  end(reason?: unknown): void {
    this.#release()
    this.#whole.close()
    if (this.#piece !== undefined) this.#components.hashing.blocks.give(this.#piece.block)
    this.#piece = undefined
    if (reason === undefined) return
    this.#isOver = true
    this.#more.reject(reason)
    this.#verified.reject(reason)
  }

  /** Hashes a piece that is already on the disk. */
  async #absorb(): Promise<void> {
    const { index, block, bytes } = this.#newPiece()
    const range = this.partial.map.rangeOf(index)
    try {
      await this.#hash(index, await this.partial.read(range, bytes))
    } finally {
      this.#components.hashing.blocks.give(block)
    }
    this.#offset = range.end
    this.#noteNext()
  }

  async #hash(index: number, bytes: Uint8Array): Promise<Uint8Array> {
    const { digester } = this.#components.hashing
    // When the thread has ended with its state, `finish` hears of it.
    const [hash] = await Promise.all([digester.digest(bytes), this.#whole.update(bytes).catch(() => undefined)])
    this.#hashes.set(hash, index * HASH_LENGTH)
    return hash
  }

  /** The digest of all bytes, from the disk. */
  async #digestAgain(): Promise<string> {
    const { digest, map } = this.partial
    const running = this.#components.hashing.digester.running(digestAlgorithm(digest))
    for await (const slice of partialBytes(this.partial, wholeRange(map.length))) await running.update(slice)
    return running.end()
  }

  async #push(chunk: Uint8Array): Promise<void> {
    for (let at = 0; at < chunk.length; ) {
      const piece = this.#openPiece()
      const part = chunk.subarray(at, at + piece.bytes.length - piece.filled)
      copyBytes(piece.bytes.subarray(piece.filled), part)
      piece.filled += part.length
      this.#offset += part.length
      at += part.length
      if (piece.filled === piece.bytes.length) await this.#close(piece)
    }
  }

  #openPiece(): OpenPiece {
    this.#piece ??= this.#newPiece()
    return this.#piece
  }

  /** Memory for the piece at `offset`. */
  #newPiece(): OpenPiece {
    const { map } = this.partial
    const index = map.pieceAt(this.#offset)
    const block = this.#components.hashing.blocks.take()
    return { index, block, bytes: block.subarray(0, map.sizeOf(index)), filled: 0 }
  }

  async #close(piece: OpenPiece): Promise<void> {
    this.#piece = undefined
    const before = this.#writing
    this.#writing = this.#store(piece, before)
    // The next piece awaits this one and throws its failure.
    this.#writing.catch(() => undefined)
    await before
  }

  async #store({ index, block, bytes }: OpenPiece, before: Promise<void>): Promise<void> {
    try {
      await before
      const hash = await this.#hash(index, bytes)
      await this.partial.write(index, bytes, hash)
      this.#noteNext()
      this.#components.onPiece(index)
    } catch (err) {
      this.#broken = true
      throw err
    } finally {
      this.#components.hashing.blocks.give(block)
    }
  }
}

/** Begins an intake into `partial`; the partial blob is not evicted until `end`. */
export function intake(components: IntakeComponents, partial: PartialBlob): Intake {
  return new PartialIntake(components, partial)
}
