import { Readable } from 'node:stream'
import { type AbortOptions, abortable, Bitset, deferred, type SharedBlocks } from '../../../lib/base/index.ts'
import {
  type ByteRange,
  digestAlgorithm,
  digestHex,
  HASH_LENGTH,
  lessUrgent,
  type PieceMap,
  type ReadPriority,
  rangeLength,
  releasedLength,
  wholeRange,
} from '../../../lib/core/index.ts'
import type { Hashing } from '../../../lib/metainfo/index.ts'
import type { PartialBlob, Sidecars, StoredBlob } from '../../../lib/store/index.ts'
import { type Demand, demand, type PieceState } from './demand.ts'
import type { Arrival } from './ingest-plan.ts'
import { type IntakePart, intakePart, type PartHost } from './intake-part.ts'
import { type PartialReading, partialBytes } from './partial-bytes.ts'
import { type PrefixDigest, prefixDigest } from './prefix-digest.ts'

/** What has come of a blob that is being brought. */
export interface ArrivingPieces {
  readonly partial: PartialBlob
  /** The pieces that are here and whose hashes are known, in the order in which they came to be so. */
  readonly known: readonly number[]
  /** The SHA-256 of one of these pieces, a view of 32 bytes. */
  hashOf(piece: number): Uint8Array
  /** Waits for more than `count` such pieces. Fails with the reason given to `end`. */
  moreKnown(count: number, options?: AbortOptions): Promise<void>
}

/**
 * Takes one blob into the local store, in any order and from several sources at a time: bytes that an earlier run left are
 * read from the disk, and the rest is given to parts. The hash of each piece is computed from the memory in which it was
 * gathered, off the event loop where `Hashing` has a thread; the digest of the blob advances with what is here from the
 * front. `end` ends the intake and tells its readers. An intake does not know the source of its bytes; the swarm's
 * `Arrival` is something else, as it knows the hashes before the bytes.
 */
export type Intake = ArrivingPieces & IntakeWork & IntakeReads

/** How much a reader asks for, ahead of the byte that it waits for. */
const READ_AHEAD_BYTES = 8 * 1024 * 1024
/** So much of it is as urgent as the byte itself: what a lazy client asks for in one request. */
const READ_NOW_BYTES = 1024 * 1024

export interface IntakeReading extends AbortOptions, Pick<PartialReading, 'inTurn'> {
  /** How urgent it is; default: somebody waits for it. */
  readonly priority?: ReadPriority | undefined
  /** The range is all that is read: nobody makes a whole body of it. Then its bytes need not wait for the whole digest. */
  readonly standsAlone?: boolean | undefined
}

/** How the bytes come. */
export interface IntakeWork {
  /** What a plan goes by. */
  readonly arrival: Arrival
  /** All bytes are here. */
  readonly isWhole: boolean
  /** The local store has refused a piece: the intake can take no more bytes from any source. */
  readonly broken: boolean
  /**
   * Takes the bytes of a range of whole pieces. All of them are reserved at once; with `asItGoes`, each only when its turn
   * has come, so that others may take what is far ahead.
   */
  part(range: ByteRange, options?: { readonly asItGoes?: boolean }): IntakePart
  /** Calls `onAsk` whenever something is asked for; there is one who listens. */
  listen(onAsk: () => void): void
  /** Call when nothing is missing: the complete blob with its piece hashes, or undefined when the digest is wrong. */
  finish(): Promise<StoredBlob | undefined>
  /** The partial blob stays on the disk. With a reason, who waits for what is missing fails with it. */
  end(reason?: unknown): void
}

/** Who reads the bytes. */
export interface IntakeReads {
  /** Asks for bytes, without waiting for them: they come before what is less urgent. Ranges may go beyond the blob. */
  want(ranges: readonly ByteRange[], priority: ReadPriority): void
  /**
   * The bytes of `range` as they come, unverified; asks for them. The withheld tail of the blob comes only once its digest
   * is right, unless the range stands alone. Fails with the reason given to `end`.
   */
  open(range: ByteRange, options?: IntakeReading): Readable
  /** Waits until `open` would give the byte at `range.start`. Fails as it would. */
  whenReadable(range: ByteRange, options?: IntakeReading): Promise<void>
}

export interface IntakeComponents {
  readonly sidecars: Sidecars
  readonly hashing: Hashing
  /** Somebody waits for the digest of the whole, until the result is called. */
  readonly holdWhole: () => () => void
  /** Called for each piece that has come and is stored. */
  readonly onPiece: (piece: number) => void
}

class PartialIntake implements Intake, Arrival, PartHost {
  readonly partial: PartialBlob
  readonly demand: Demand
  readonly #components: IntakeComponents
  readonly #whole: PrefixDigest
  readonly #hashes: Uint8Array
  readonly #known: Bitset
  readonly #log: number[] = []
  /** Pieces that parts have reserved. */
  readonly #coming = new Map<number, IntakePart>()
  readonly #verified = deferred()
  #front = 0
  #broken = false
  #more = deferred()
  #onAsk: () => void = () => undefined
  /** Those who wait have been told why no more comes. */
  #isOver = false

  constructor(components: IntakeComponents, partial: PartialBlob) {
    this.partial = partial
    this.#components = components
    this.#hashes = new Uint8Array(partial.map.count * HASH_LENGTH)
    this.#known = new Bitset(partial.map.count)
    this.demand = demand((piece) => this.stateOf(piece))
    this.#whole = prefixDigest({
      ...{ partial, hashing: components.hashing },
      isKnown: (piece) => this.#known.has(piece),
      onHash: (piece, hash) => this.#learn(piece, hash),
    })
    this.#whole.advance()
  }

  get arrival(): Arrival {
    return this
  }

  get map(): PieceMap {
    return this.partial.map
  }

  get blocks(): SharedBlocks {
    return this.#components.hashing.blocks
  }

  get isWhole() {
    return this.partial.have.complete
  }

  get broken() {
    return this.#broken
  }

  get known() {
    return this.#log
  }

  get front(): number {
    while (this.partial.have.has(this.#front)) this.#front += 1
    return this.#front
  }

  readonly stateOf = (piece: number): PieceState => {
    if (this.partial.have.has(piece)) return 'here'
    return this.#coming.has(piece) ? 'coming' : 'missing'
  }

  hashOf(piece: number): Uint8Array {
    return this.#hashes.subarray(piece * HASH_LENGTH, (piece + 1) * HASH_LENGTH)
  }

  async moreKnown(count: number, { signal }: AbortOptions = {}): Promise<void> {
    while (this.#log.length <= count) await abortable(this.#more.promise, signal)
  }

  part(range: ByteRange, { asItGoes = false } = {}): IntakePart {
    const part = intakePart(this, range)
    const { first, last } = this.map.covering(range)
    if (!asItGoes) for (let piece = first; piece <= last; piece += 1) this.claim(piece, part)
    return part
  }

  claim(piece: number, by: IntakePart): boolean {
    if (this.stateOf(piece) === 'missing') this.#coming.set(piece, by)
    return this.#coming.get(piece) === by
  }

  release(by: IntakePart): void {
    const { first, last } = this.map.covering({ start: by.offset, end: by.range.end })
    for (let piece = first; piece <= last; piece += 1) if (this.#coming.get(piece) === by) this.#coming.delete(piece)
  }

  async store(piece: number, bytes: Uint8Array): Promise<void> {
    try {
      const { digester } = this.#components.hashing
      const [hash] = await Promise.all([digester.digest(bytes), this.#whole.take(piece, bytes)])
      await this.partial.write(piece, bytes, hash)
      this.#learn(piece, hash)
    } catch (err) {
      this.#broken = true
      throw err
    } finally {
      this.#coming.delete(piece)
    }
    this.#whole.advance()
    this.#components.onPiece(piece)
  }

  listen(onAsk: () => void): void {
    this.#onAsk = onAsk
  }

  want(ranges: readonly ByteRange[], priority: ReadPriority): void {
    for (const { start, end } of ranges) {
      const { first, last } = this.map.covering({ start, end: Math.min(end, this.map.length) })
      this.demand.ask(first, last, priority)
      this.#whole.hashFirst(this.#left(first, last))
    }
    this.#onAsk()
  }

  async finish(): Promise<StoredBlob | undefined> {
    const { digest } = this.partial
    const actual = (await this.#whole.end()) ?? (await this.#digestAgain())
    if (actual !== digestHex(digest)) return undefined
    this.#verified.resolve()
    const stored = await this.partial.complete()
    // The blob is good without its piece hashes: they are computed from the disk when they are needed.
    await this.#components.sidecars.putSidecar(digest, 'pieces', this.#hashes).catch(() => undefined)
    return stored
  }

  open(range: ByteRange, { inTurn, ...reading }: IntakeReading = {}): Readable {
    const ready = (offset: number) => this.whenReadable({ start: offset, end: range.end }, reading)
    const released = reading.standsAlone === true ? this.map.length : releasedLength(this.map.length, false)
    const has = (piece: number) => this.#known.has(piece)
    return Readable.from(partialBytes(this.partial, range, { ready, has, released, inTurn }), { objectMode: false })
  }

  async whenReadable({ start, end }: ByteRange, reading: IntakeReading = {}): Promise<void> {
    const { priority = 'onDemand', standsAlone, signal } = reading
    const now = Math.min(end, start + READ_NOW_BYTES)
    const ahead = { start: now, end: Math.min(end, start + READ_AHEAD_BYTES) }
    this.want([{ start, end: now }], priority)
    if (rangeLength(ahead) > 0) this.want([ahead], lessUrgent(priority))
    const piece = this.map.pieceAt(start)
    while (!this.#known.has(piece)) await this.moreKnown(this.#log.length, { signal })
    if (standsAlone === true || start < releasedLength(this.map.length, false)) return
    const release = this.#components.holdWhole()
    try {
      await abortable(this.#verified.promise, signal)
    } finally {
      release()
    }
  }

  end(reason?: unknown): void {
    this.#whole.close()
    if (reason === undefined) return
    this.#isOver = true
    this.#more.reject(reason)
    this.#verified.reject(reason)
  }

  /** Pieces of these that an earlier run left, and whose hashes are not known yet. */
  *#left(first: number, last: number): Iterable<number> {
    for (let piece = first; piece <= last; piece += 1) {
      if (this.partial.have.has(piece) && !this.#known.has(piece)) yield piece
    }
  }

  #learn(piece: number, hash: Uint8Array): void {
    if (this.#isOver || !this.#known.add(piece)) return
    this.#hashes.set(hash, piece * HASH_LENGTH)
    this.#log.push(piece)
    this.#more.resolve()
    this.#more = deferred()
  }

  /** The digest of all bytes, from the disk. */
  async #digestAgain(): Promise<string> {
    const { digest, map } = this.partial
    const running = this.#components.hashing.digester.running(digestAlgorithm(digest))
    for await (const slice of partialBytes(this.partial, wholeRange(map.length))) await running.update(slice)
    return running.end()
  }
}

/** Begins an intake into `partial`. Who wants its bytes keeps it from being evicted: see `Holds`. */
export function intake(components: IntakeComponents, partial: PartialBlob): Intake {
  return new PartialIntake(components, partial)
}
