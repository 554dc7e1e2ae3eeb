import { HASH_LENGTH, type LengthBounds, type PieceRule, pieceLengthFor, pieceLengthsWithin } from '../core/index.ts'
import type { PieceDigester, RunningDigest } from './piece-digester.ts'

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

class LazyBlobHasher implements BlobHasher {
  readonly #rule: PieceRule
  readonly #whole: RunningDigest
  #lists: readonly PieceList[]
  #length = 0
  #bounds: LengthBounds = { least: 0, most: Number.POSITIVE_INFINITY }

  constructor(digester: Digester, rule: PieceRule) {
    this.#rule = rule
    this.#whole = digester.running('sha256')
    this.#lists = pieceLengthsWithin(this.#bounds, rule).map((length) => new PieceList(digester, length))
  }

  expect({ least = 0, most = Number.POSITIVE_INFINITY }: Partial<LengthBounds>): void {
    const { least: before, most: limit } = this.#bounds
    this.#bounds = { least: Math.max(least, before), most: Math.min(most, limit) }
    const possible = pieceLengthsWithin(this.#bounds, this.#rule)
    for (const list of this.#lists) if (!possible.includes(list.pieceLength)) list.close()
    this.#lists = this.#lists.filter(({ pieceLength }) => possible.includes(pieceLength))
  }

  async update(bytes: Uint8Array): Promise<void> {
    this.#length += bytes.length
    this.expect({ least: this.#length })
    await Promise.all([this.#whole.update(bytes), ...this.#lists.flatMap((list) => list.update(bytes))])
  }

  async end(): Promise<BlobHashes> {
    const pieceLength = this.#rule(this.#length)
    const list = this.#lists.find((each) => each.pieceLength === pieceLength)
    for (const other of this.#lists) if (other !== list) other.close()
    const [sha256, pieces] = await Promise.all([this.#whole.end(), list?.end()])
    return { sha256, pieces }
  }

  close(): void {
    this.#whole.close()
    for (const list of this.#lists) list.close()
  }
}

/** `rule` tells the piece length of each length; default: that of protocol version 2. */
export function blobHasher(digester: Digester, rule: PieceRule = pieceLengthFor): BlobHasher {
  return new LazyBlobHasher(digester, rule)
}
