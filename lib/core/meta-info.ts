import type { Digest } from './digest.ts'
import { pieceLengthFor } from './piece-map.ts'

/**
 * Version of the swarm protocol; sent in the metainfo header and in the extension handshake. It fixes the piece length
 * of each blob. Later versions only add to this one.
 */
export const PROTOCOL_VERSION = 2

/** What must be known about a blob before its first piece can be requested. */
export interface MetaInfoHeader {
  readonly v: number
  readonly digest: Digest
  /** Bytes. */
  readonly length: number
  /** Bytes; must equal `pieceLengthFor(length)` in version 2. */
  readonly pieceLength: number
  /** The whole content, for blobs up to `INLINE_LIMIT`; no piece records follow in this case. */
  readonly data?: Uint8Array
}

/** The complete metainfo of a verified blob: one SHA-256 (32 bytes) for each piece, concatenated. */
export interface MetaInfo {
  readonly header: MetaInfoHeader
  readonly hashes: Uint8Array
}

/** Length of a piece hash in bytes; the hash is a SHA-256. */
export const HASH_LENGTH = 32

/** Blobs up to this many bytes are sent inside the metainfo header. */
export const INLINE_LIMIT = 64 * 1024

/** The header that follows from digest and length alone; of a small blob the content is still to be added. */
export function headerOf(digest: Digest, length: number): MetaInfoHeader {
  return { v: PROTOCOL_VERSION, digest, length, pieceLength: pieceLengthFor(length) }
}
