import { digestAlgorithm } from '../../../lib/core/index.ts'
import type { Hashing, RunningDigest } from '../../../lib/metainfo/index.ts'
import type { PartialBlob } from '../../../lib/store/index.ts'

export interface PrefixDigestComponents {
  readonly partial: PartialBlob
  readonly hashing: Hashing
  /** Whether the hash of a piece that is on the disk is known. */
  readonly isKnown: (piece: number) => boolean
  /** The hash of a piece that an earlier run left. */
  readonly onHash: (piece: number, hash: Uint8Array) => void
}

/**
 * The digest of a whole blob whose pieces come in any order. A piece that comes in its turn is taken from memory; what came
 * ahead, and what an earlier run left, is read from the disk when its turn has come. Pieces of an earlier run get their
 * hashes in the same pass.
 */
export interface PrefixDigest {
  /** A piece is about to be stored: takes it when it is its turn, and resolves when it no longer needs the bytes. */
  take(piece: number, bytes: Uint8Array): Promise<void>
  /** Goes on with what is on the disk. */
  advance(): void
  /** Hashes these pieces, which an earlier run left, before their turn. */
  hashFirst(pieces: Iterable<number>): void
  /** The digest in hex, once all pieces are here; undefined when its state was lost. @throws what a read of the disk threw */
  end(): Promise<string | undefined>
  /** Idempotent. */
  close(): void
}

class DiskPrefixDigest implements PrefixDigest {
  readonly #components: PrefixDigestComponents
  readonly #running: RunningDigest
  /** Pieces from the front that were given to the digest. */
  #next = 0
  readonly #first = new Set<number>()
  #pumping: Promise<void> | undefined
  #failure: { readonly err: unknown } | undefined
  #isClosed = false

  constructor(components: PrefixDigestComponents) {
    this.#components = components
    this.#running = components.hashing.digester.running(digestAlgorithm(components.partial.digest))
  }

  take(piece: number, bytes: Uint8Array): Promise<void> {
    return piece === this.#next ? this.#update(bytes) : Promise.resolve()
  }

  advance(): void {
    if (this.#pumping !== undefined || this.#isClosed || this.#nextOnDisk() === undefined) return
    this.#pumping = this.#pump()
      .catch((err: unknown) => {
        this.#failure ??= { err }
      })
      .finally(() => {
        this.#pumping = undefined
        if (this.#failure === undefined) this.advance()
      })
  }

  hashFirst(pieces: Iterable<number>): void {
    for (const piece of pieces) this.#first.add(piece)
    this.advance()
  }

  async end(): Promise<string | undefined> {
    this.advance()
    while (this.#pumping !== undefined) await this.#pumping
    if (this.#failure !== undefined) throw this.#failure.err
    return this.#running.end().catch(() => undefined)
  }

  close(): void {
    this.#isClosed = true
    this.#running.close()
  }

  /** Calls take effect in their order. When the thread has ended with its state, `end` hears of it. */
  #update(bytes: Uint8Array): Promise<void> {
    this.#next += 1
    return this.#running.update(bytes).catch(() => undefined)
  }

  async #pump(): Promise<void> {
    for (let piece = this.#nextOnDisk(); piece !== undefined && !this.#isClosed; piece = this.#nextOnDisk()) {
      await this.#readBack(piece)
    }
  }

  #nextOnDisk(): number | undefined {
    const { partial, isKnown } = this.#components
    for (const piece of this.#first) {
      if (partial.have.has(piece) && !isKnown(piece)) return piece
      this.#first.delete(piece)
    }
    return partial.have.has(this.#next) ? this.#next : undefined
  }

  async #readBack(piece: number): Promise<void> {
    const { partial, hashing, isKnown, onHash } = this.#components
    const block = hashing.blocks.take()
    try {
      const into = block.subarray(0, partial.map.sizeOf(piece))
      const bytes = await partial.read(partial.map.rangeOf(piece), into)
      if (this.#isClosed) return
      const known = isKnown(piece)
      const digested = piece === this.#next ? this.#update(bytes) : undefined
      const [hash] = await Promise.all([known ? undefined : hashing.digester.digest(bytes), digested])
      if (hash !== undefined) onHash(piece, hash)
    } finally {
      hashing.blocks.give(block)
    }
  }
}

export function prefixDigest(components: PrefixDigestComponents): PrefixDigest {
  return new DiskPrefixDigest(components)
}
