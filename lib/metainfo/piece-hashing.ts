import { createHash, type Hash, hash } from 'node:crypto'
import { type AbortOptions, appError, throwIfAborted } from '../base/index.ts'
import type { PieceMap } from '../core/index.ts'
import { HASH_LENGTH } from '../core/index.ts'

/** Bytes of the SHA-1 of a piece, which only stock BitTorrent clients need. */
export const SHA1_LENGTH = 20

const hashLengths = { sha256: HASH_LENGTH, sha1: SHA1_LENGTH } as const
type PieceAlgorithm = keyof typeof hashLengths

/** The SHA-256 of one whole piece. */
export function hashPiece(bytes: Uint8Array): Uint8Array {
  return hash('sha256', bytes, 'buffer')
}

/** Hashes the pieces of a blob as its bytes pass by, in chunks of any size, without copying them. */
export interface PieceHasher {
  /** @throws SIZE_INVALID when there are more bytes than the blob has */
  update(chunk: Uint8Array): void
  /** The concatenated hashes of all pieces. Call it once. @throws SIZE_INVALID when bytes are missing */
  digest(): Uint8Array
}

/** By SHA-256 unless `algorithm` says otherwise. */
export function pieceHasher(map: PieceMap, algorithm: PieceAlgorithm = 'sha256'): PieceHasher {
  const hashLength = hashLengths[algorithm]
  const hashes = new Uint8Array(map.count * hashLength)
  let state: Hash = createHash(algorithm)
  let offset = 0
  const takeSome = (chunk: Uint8Array, at: number): number => {
    if (offset >= map.length) throw appError('SIZE_INVALID', { detail: { length: map.length } })
    const piece = map.pieceAt(offset)
    const pieceEnd = map.rangeOf(piece).end
    const end = Math.min(chunk.length, at + pieceEnd - offset)
    state.update(at === 0 && end === chunk.length ? chunk : chunk.subarray(at, end))
    offset += end - at
    if (offset === pieceEnd) {
      hashes.set(state.digest(), piece * hashLength)
      state = createHash(algorithm)
    }
    return end
  }
  return {
    update(chunk) {
      for (let at = 0; at < chunk.length; ) at = takeSome(chunk, at)
    },
    digest() {
      if (offset !== map.length) throw appError('SIZE_INVALID', { detail: { length: map.length, received: offset } })
      return hashes
    },
  }
}

/** The concatenated hashes of all pieces of `source`, by SHA-256 unless `algorithm` says otherwise. @throws SIZE_INVALID, ABORTED, and what `source` throws */
export async function hashPieces(
  source: AsyncIterable<Uint8Array>,
  map: PieceMap,
  { signal, algorithm = 'sha256' }: AbortOptions & { readonly algorithm?: PieceAlgorithm } = {},
): Promise<Uint8Array> {
  const hasher = pieceHasher(map, algorithm)
  for await (const chunk of source) {
    throwIfAborted(signal)
    hasher.update(chunk)
  }
  throwIfAborted(signal)
  return hasher.digest()
}
