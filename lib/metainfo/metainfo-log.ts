import { appError, Bitset, type ErrorCode } from '../base/index.ts'
import { HASH_LENGTH, type MetaInfo, type MetaInfoHeader, PieceMap } from '../core/index.ts'
import type { MetainfoRecord } from './metainfo-record.ts'

/** What a record changed. */
export type MetainfoChange =
  | { readonly kind: 'header'; readonly header: MetaInfoHeader }
  | { readonly kind: 'piece'; readonly index: number }
  | { readonly kind: 'verified' }
  | { readonly kind: 'failed'; readonly code: ErrorCode }
  | undefined

/**
 * What the metainfo streams of one blob have said so far. Each new stream starts from the beginning; records that are
 * already known are ignored.
 */
export interface MetainfoLog {
  readonly header: MetaInfoHeader | undefined
  /** Undefined before the header. */
  readonly map: PieceMap | undefined
  /** The SHA-256 of a piece, a view of 32 bytes; undefined while it is not known. */
  hashOf(piece: number): Uint8Array | undefined
  /** True when the origin has checked the whole digest and this log has the hash of every piece. */
  readonly verified: boolean
  /** The complete metainfo; undefined until verified. */
  readonly metaInfo: MetaInfo | undefined
  /**
   * Takes the next record of any stream; returns what it changed, or undefined when nothing is new.
   * @throws METAINFO_CONFLICT when it contradicts what is known, METAINFO_INVALID when it comes before the header or
   * names another blob
   */
  apply(record: MetainfoRecord): MetainfoChange
}

/** An empty log, or a complete one when `known` is given (a blob whose metainfo was kept). */
export function metainfoLog(known?: MetaInfo): MetainfoLog {
  const log = new Log()
  if (known !== undefined) log.restore(known)
  return log
}

class Log implements MetainfoLog {
  header: MetaInfoHeader | undefined
  map: PieceMap | undefined
  #known = new Bitset(0)
  #hashes: Uint8Array = new Uint8Array(0)
  verified = false
  #failed = false

  hashOf(piece: number): Uint8Array | undefined {
    if (!this.#known.has(piece)) return undefined
    return this.#hashes.subarray(piece * HASH_LENGTH, (piece + 1) * HASH_LENGTH)
  }

  get metaInfo(): MetaInfo | undefined {
    return this.verified && this.header !== undefined ? { header: this.header, hashes: this.#hashes } : undefined
  }

  apply(record: MetainfoRecord): MetainfoChange {
    if (record.kind === 'header') return this.#applyHeader(record.header)
    if (record.kind === 'peers' || record.kind === 'hint') return undefined
    if (this.map === undefined) throw appError('METAINFO_INVALID', { message: 'a record came before the header' })
    switch (record.kind) {
      case 'piece':
        return this.#applyPiece(record.index, record.hash, this.map)
      case 'verified':
        return this.#applyVerified()
      case 'failed':
        if (this.#failed) return undefined
        this.#failed = true
        return record
      case 'heartbeat':
        return undefined
    }
  }

  restore({ header, hashes }: MetaInfo): void {
    this.#applyHeader(header)
    const count = this.#known.length
    if (hashes.length !== count * HASH_LENGTH) {
      throw appError('METAINFO_INVALID', { message: 'the number of hashes does not match the length' })
    }
    this.#hashes = hashes
    this.#known = Bitset.full(count)
    this.verified = true
  }

  #applyHeader(header: MetaInfoHeader): MetainfoChange {
    const known = this.header
    if (known !== undefined) {
      if (known.digest !== header.digest)
        throw appError('METAINFO_INVALID', { message: 'the stream belongs to another blob' })
      if (known.length !== header.length || known.pieceLength !== header.pieceLength) {
        throw appError('METAINFO_CONFLICT', { message: 'two sources name different lengths for one blob' })
      }
      return undefined
    }
    this.header = header
    this.map = new PieceMap(header.length, header.pieceLength)
    // Inline content is checked against the digest itself and has no piece records.
    const count = header.data === undefined ? this.map.count : 0
    this.#known = new Bitset(count)
    this.#hashes = new Uint8Array(count * HASH_LENGTH)
    return { kind: 'header', header }
  }

  #applyPiece(index: number, hash: Uint8Array, map: PieceMap): MetainfoChange {
    if (hash.length !== HASH_LENGTH || !Number.isInteger(index) || index < 0 || index >= map.count) {
      throw appError('METAINFO_INVALID', { message: 'a piece record lies outside the blob' })
    }
    const known = this.hashOf(index)
    if (known !== undefined) {
      if (Buffer.compare(known, hash) !== 0) throw appError('METAINFO_CONFLICT', { detail: { piece: index } })
      return undefined
    }
    this.#hashes.set(hash, index * HASH_LENGTH)
    this.#known.add(index)
    return { kind: 'piece', index }
  }

  /** A `verified` record is ignored when the stream has not named every piece. */
  #applyVerified(): MetainfoChange {
    if (this.verified || !this.#known.complete) return undefined
    this.verified = true
    return { kind: 'verified' }
  }
}
