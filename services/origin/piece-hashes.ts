import { type AbortOptions, appError, singleFlight } from '../../lib/base/index.ts'
import { type Digest, PieceMap } from '../../lib/core/index.ts'
import { hashPieces } from '../../lib/metainfo/index.ts'
import type { BlobStore, StoredBlob } from '../../lib/store/index.ts'

const HASH_BYTES = 32

/** The SHA-256 of each piece of complete blobs, computed once and kept beside the blob. */
export interface PieceHashes {
  /** Concatenated, 32 bytes a piece. @throws BLOB_UNKNOWN */
  of(stored: StoredBlob, options?: AbortOptions): Promise<Uint8Array>
}

export function pieceHashes(store: BlobStore): PieceHashes {
  const flights = singleFlight<Digest, Uint8Array>()

  const compute = async (stored: StoredBlob, signal: AbortSignal) => {
    const map = new PieceMap(stored.size)
    const hashes = await hashPieces(await store.open(stored.digest, { signal }), map)
    if (hashes.byteLength !== map.count * HASH_BYTES) {
      throw appError('STORE_CORRUPT', { detail: { digest: stored.digest, pieces: map.count } })
    }
    await store.putSidecar(stored.digest, hashes)
    return hashes
  }

  return {
    async of(stored, options = {}) {
      const kept = await store.sidecar(stored.digest)
      if (kept?.byteLength === new PieceMap(stored.size).count * HASH_BYTES) return kept
      return flights.run(stored.digest, (signal) => compute(stored, signal), options)
    },
  }
}
