import { HASH_LENGTH, type LengthBounds, type PieceRule, pieceLengthFor, pieceLengthsWithin } from '../core/index.ts'
import type { PieceDigester, RunningDigest } from './piece-digester.ts'
import { hashPiece } from './piece-hashing.ts'

export interface BlobHashes {
  /** SHA-256 of all bytes, in hex. */
  readonly sha256: string
  /** The concatenated SHA-256 of all pieces; undefined when the length was not within the bounds that `expect` got. */
  readonly pieces: Uint8Array | undefined
}

/**
 * The hashes of a blob whose bytes come in order and whose length is known only at the end: of the whole, and of its
 * pieces. The piece length depends on the length, and hashes of short pieces cannot be put together to those of longer
 * ones; so the pieces of each length that is still possible are hashed. Only the first bytes of a blob cost more by
 * that: by the rule of protocol version 2 three lengths are possible up to 32 MiB, two up to 64 MiB, then one.
 */
export interface BlobHasher {
  /** Bounds for the length, from whoever knows more than the bytes that came: fewer piece lengths are possible then. */
  expect(bounds: Partial<LengthBounds>): void
  /** Takes the next bytes; they must not change until it settles. @throws UNAVAILABLE as `RunningDigest` does */
  update(bytes: Uint8Array): Promise<void>
  /** Ends this hasher; not while `update` runs. @throws UNAVAILABLE as `RunningDigest` does */
  end(): Promise<BlobHashes>
  /** Frees what is kept for it. Idempotent. */
  close(): void
}

type Digester = Pick<PieceDigester, 'digest' | 'running'>

/** The hashes of pieces of one length. */
class PieceList {
  readonly pieceLength: number
  readonly #digester: Digester
  #hashes = new Uint8Array(16 * HASH_LENGTH)
  #count = 0
  /** The piece that has begun, and how many bytes of it came. */
  #running: RunningDigest | undefined
  #filled = 0

  constructor(digester: Digester, pieceLength: number) {
    this.#digester = digester
    this.pieceLength = pieceLength
  }

  /** What has to be awaited until the bytes are hashed. */
  update(bytes: Uint8Array): readonly Promise<unknown>[] {
    const work: Promise<unknown>[] = []
    for (let at = 0; at < bytes.length; ) {
      const part = bytes.subarray(at, at + this.pieceLength - this.#filled)
      at += part.length
      if (part.length === this.pieceLength) {
        const piece = this.#next()
        work.push(this.#digester.digest(part).then((hash) => this.#put(piece, hash)))
        continue
      }
      this.#running ??= this.#digester.running('sha256')
      work.push(this.#running.update(part))
      this.#filled += part.length
      if (this.#filled === this.pieceLength) work.push(this.#endPiece(this.#running))
    }
    return work
  }

  async end(): Promise<Uint8Array> {
    if (this.#running !== undefined) await this.#endPiece(this.#running)
    return this.#hashes.slice(0, this.#count * HASH_LENGTH)
  }

  close(): void {
    this.#running?.close()
    this.#running = undefined
  }

  async #endPiece(running: RunningDigest): Promise<void> {
    const piece = this.#next()
    this.#running = undefined
    this.#filled = 0
    this.#put(piece, Buffer.from(await running.end(), 'hex'))
  }

  #next(): number {
    this.#count += 1
    if (this.#count * HASH_LENGTH > this.#hashes.length) {
      const longer = new Uint8Array(2 * this.#hashes.length)
      longer.set(this.#hashes)
      this.#hashes = longer
    }
    return this.#count - 1
  }

  #put(piece: number, hash: Uint8Array): void {
    this.#hashes.set(hash, piece * HASH_LENGTH)
  }
}

/**
 * So few bytes are kept and hashed at the end, here: four digests in a thread cost more than to hash them. An upload that has
 * begun holds no more than that.
 */
const FEW_BYTES = 64 * 1024

/** The digests of what is no longer few bytes. */
class RunningHashes {
  readonly whole: RunningDigest
  lists: readonly PieceList[]

  constructor(digester: Digester, pieceLengths: readonly number[]) {
    this.whole = digester.running('sha256')
    this.lists = pieceLengths.map((length) => new PieceList(digester, length))
  }

  async update(bytes: Uint8Array): Promise<void> {
    await Promise.all([this.whole.update(bytes), ...this.lists.flatMap((list) => list.update(bytes))])
  }

  /** Only lists of these piece lengths go on. */
  keep(pieceLengths: readonly number[]): void {
    for (const list of this.lists) if (!pieceLengths.includes(list.pieceLength)) list.close()
    this.lists = this.lists.filter(({ pieceLength }) => pieceLengths.includes(pieceLength))
  }

  close(): void {
    this.whole.close()
    this.keep([])
  }
}

class LazyBlobHasher implements BlobHasher {
  readonly #digester: Digester
  readonly #rule: PieceRule
  readonly #fewBytes: number
  #few = Buffer.alloc(0)
  #running: RunningHashes | undefined
  #length = 0
  #bounds: LengthBounds = { least: 0, most: Number.POSITIVE_INFINITY }

  constructor(digester: Digester, { rule, fewBytes }: Required<BlobHasherInit>) {
    this.#digester = digester
    this.#rule = rule
    this.#fewBytes = fewBytes
  }

  get #pieceLengths(): readonly number[] {
    return pieceLengthsWithin(this.#bounds, this.#rule)
  }

  expect({ least = 0, most = Number.POSITIVE_INFINITY }: Partial<LengthBounds>): void {
    const { least: before, most: limit } = this.#bounds
    this.#bounds = { least: Math.max(least, before), most: Math.min(most, limit) }
    this.#running?.keep(this.#pieceLengths)
  }

  async update(bytes: Uint8Array): Promise<void> {
    this.#length += bytes.length
    this.expect({ least: this.#length })
    if (this.#running === undefined && this.#length <= this.#fewBytes) {
      this.#few = Buffer.concat([this.#few, bytes])
      return
    }
    await Promise.all([...this.#begun(), this.#running?.update(bytes)])
  }

  async end(): Promise<BlobHashes> {
    const pieceLength = this.#rule(this.#length)
    const running = this.#running
    if (running === undefined) {
      const sha256 = Buffer.from(hashPiece(this.#few)).toString('hex')
      return { sha256, pieces: this.#pieceLengths.includes(pieceLength) ? piecesOf(this.#few, pieceLength) : undefined }
    }
    running.keep([pieceLength])
    const [sha256, pieces] = await Promise.all([running.whole.end(), running.lists[0]?.end()])
    return { sha256, pieces }
  }

  close(): void {
    this.#few = Buffer.alloc(0)
    this.#running?.close()
  }

  /** Begins the digests, if they have not begun, with the bytes that were kept; the work of that. */
  #begun(): readonly Promise<void>[] {
    if (this.#running !== undefined) return []
    this.#running = new RunningHashes(this.#digester, this.#pieceLengths)
    const few = this.#few
    this.#few = Buffer.alloc(0)
    return few.length === 0 ? [] : [this.#running.update(few)]
  }
}

function piecesOf(bytes: Uint8Array, pieceLength: number): Uint8Array {
  const starts = Array.from({ length: Math.ceil(bytes.length / pieceLength) }, (_, piece) => piece * pieceLength)
  return Buffer.concat(starts.map((start) => hashPiece(bytes.subarray(start, start + pieceLength))))
}

export interface BlobHasherInit {
  /** Tells the piece length of each length; default: that of protocol version 2. */
  readonly rule?: PieceRule
  /** Bytes that are hashed only at the end, where they are all; default 64 KiB. */
  readonly fewBytes?: number
}

export function blobHasher(digester: Digester, init: BlobHasherInit = {}): BlobHasher {
  return new LazyBlobHasher(digester, { rule: pieceLengthFor, fewBytes: FEW_BYTES, ...init })
}
