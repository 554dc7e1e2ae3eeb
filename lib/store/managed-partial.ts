import { appError, type Bitset } from '../base/index.ts'
import type { ByteRange, Digest, PieceMap } from '../core/index.ts'
import { HASH_LENGTH } from '../core/index.ts'
import type { BlobAdoption } from './blob-facets.ts'
import type { PartialBlob, StoredBlob } from './blob-store.ts'
import { checkedRange } from './checked-range.ts'
import type { PartialFile, Volume } from './medium.ts'
import { pieceWaiters } from './piece-waiters.ts'
import type { Space } from './space.ts'

export interface ManagedPartial extends PartialBlob {
  readonly volume: Volume
  /** Bytes of the pieces in `have`. */
  readonly bytes: number
  readonly usedAtMs: number
  /** True when nobody reads, writes or waits, and no `complete` or `discard` is running. */
  readonly idle: boolean
  /** Settles when a running `complete` or `discard` is over; undefined when none is running. */
  readonly ending: Promise<void> | undefined
  /** Saves what a later start should know. */
  save(): Promise<void>
}

export interface PartialComponents {
  readonly space: Space
  readonly blobs: BlobAdoption
  readonly now: () => number
  lease(): () => void
  /** Called once, when it has become a blob or was removed. */
  ended(how: 'complete' | 'removed'): void
}

export interface PartialInit {
  readonly digest: Digest
  readonly map: PieceMap
  readonly volume: Volume
  readonly file: PartialFile
  readonly usedAtMs: number
}

function bytesOf(map: PieceMap, pieces: Iterable<number>): number {
  let bytes = 0
  for (const piece of pieces) bytes += map.sizeOf(piece)
  return bytes
}

/** The rules of a partial blob, on top of its file. */
class Partial implements ManagedPartial {
  readonly digest: Digest
  readonly map: PieceMap
  readonly volume: Volume
  readonly have: Bitset
  readonly #components: PartialComponents
  readonly #file: PartialFile
  readonly #waiters = pieceWaiters()
  readonly #writing = new Map<number, Promise<void>>()
  #reading = 0
  #usedAtMs: number
  #bytes: number
  #ending: Promise<void> | undefined
  #completion: Promise<StoredBlob> | undefined
  #gone: Error | undefined

  constructor(components: PartialComponents, init: PartialInit) {
    this.#components = components
    this.#file = init.file
    this.digest = init.digest
    this.map = init.map
    this.volume = init.volume
    this.have = init.file.found.clone()
    this.#usedAtMs = init.usedAtMs
    this.#bytes = bytesOf(this.map, this.have)
  }

  get bytes() {
    return this.#bytes
  }

  get usedAtMs() {
    return this.#usedAtMs
  }

  get isGone() {
    return this.#gone !== undefined
  }

  get ending() {
    return this.#ending
  }

  get idle() {
    const used = this.#reading + this.#writing.size + this.#waiters.count
    return used === 0 && this.#ending === undefined && this.#completion === undefined
  }

  async write(piece: number, bytes: Uint8Array, hash: Uint8Array): Promise<void> {
    this.#check()
    if (this.have.has(piece)) return
    let writing = this.#writing.get(piece)
    if (writing === undefined) {
      writing = this.#writePiece(piece, bytes, hash).finally(() => this.#writing.delete(piece))
      this.#writing.set(piece, writing)
    }
    await writing
  }

  hashOf(piece: number): Uint8Array | undefined {
    return this.have.has(piece) ? this.#file.hashOf(piece) : undefined
  }

  async read(range: ByteRange, into?: Uint8Array): Promise<Uint8Array> {
    this.#check()
    checkedRange(range, this.map.length)
    this.#usedAtMs = this.#components.now()
    if (this.#completion !== undefined) this.#components.blobs.touch(this.digest)
    this.#reading += 1
    try {
      return await this.#file.read(range, into)
    } finally {
      this.#reading -= 1
    }
  }

  async whenVerified(piece: number, options = {}): Promise<void> {
    this.#check()
    if (!this.have.has(piece)) await this.#waiters.wait(piece, options)
  }

  complete(): Promise<StoredBlob> {
    this.#completion ??= this.#complete().catch((err: unknown) => {
      this.#completion = undefined
      throw err
    })
    return this.#completion
  }

  async discard(reason: Error): Promise<void> {
    await this.#completion?.catch(() => undefined)
    if (this.#completion !== undefined) return
    this.#ending ??= this.#discard(reason)
    await this.#ending
  }

  async save(): Promise<void> {
    if (this.#ending === undefined && this.#completion === undefined) await this.#file.touch(this.#usedAtMs)
  }

  lease(): () => void {
    return this.#components.lease()
  }

  #check() {
    if (this.#gone !== undefined) throw this.#gone
  }

  async #writePiece(piece: number, bytes: Uint8Array, hash: Uint8Array): Promise<void> {
    const expected = piece >= 0 && piece < this.map.count ? this.map.sizeOf(piece) : undefined
    if (bytes.length !== expected || hash.length !== HASH_LENGTH) {
      throw appError('PIECE_INVALID', {
        message: 'the piece has the wrong length',
        detail: { piece, length: bytes.length, expected },
      })
    }
    this.#usedAtMs = this.#components.now()
    const { space } = this.#components
    await space.write(bytes.length, this.volume, () => this.#file.write(piece, bytes, hash))
    this.#bytes += bytes.length
    this.#check()
    this.have.add(piece)
    this.#waiters.arrived(piece)
  }

  async #complete(): Promise<StoredBlob> {
    this.#check()
    if (!this.have.complete) {
      throw appError('STORE_CORRUPT', {
        message: 'the blob is not complete yet',
        detail: { digest: this.digest, have: this.have.count, pieces: this.map.count },
      })
    }
    const { blobs, space, now } = this.#components
    const { blob, added } = await blobs.adopt({ digest: this.digest, size: this.map.length, volume: this.volume }, () =>
      this.#file.promote(now()),
    )
    if (!added) {
      await this.#file.retire()
      space.release(this.#bytes)
    }
    this.#components.ended('complete')
    return blob
  }

  async #discard(reason: Error): Promise<void> {
    this.#gone = reason
    this.#waiters.fail(reason)
    await Promise.allSettled(this.#writing.values())
    await this.#file.remove()
    this.#components.space.release(this.#bytes)
    this.#components.ended('removed')
  }
}

export function managedPartial(components: PartialComponents, init: PartialInit): ManagedPartial {
  return new Partial(components, init)
}
