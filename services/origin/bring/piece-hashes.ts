import { createHash, type Hash } from 'node:crypto'
import { type AbortOptions, appError, singleFlight } from '../../../lib/base/index.ts'
import { type Digest, digestAlgorithm, digestHex, HASH_LENGTH, PieceMap } from '../../../lib/core/index.ts'
import { hashPieces, SHA1_LENGTH } from '../../../lib/metainfo/index.ts'
import type { BlobReader, Retention, Sidecars, StoredBlob } from '../../../lib/store/index.ts'

async function* passing(source: AsyncIterable<Uint8Array>, whole: Hash): AsyncIterable<Uint8Array> {
  for await (const chunk of source) {
    whole.update(chunk)
    yield chunk
  }
}

/**
 * The hash of each piece of a complete blob, computed once and kept beside the blob. The same pass checks the digest
 * of the whole blob, so that `verified` is never said of bytes that rotted on the disk; a rotten blob is removed.
 */
export interface PieceHashes {
  /** The hashes one after another. @throws BLOB_UNKNOWN, STORE_CORRUPT */
  of(stored: StoredBlob, options?: AbortOptions): Promise<Uint8Array>
  /** The same if they were computed before. @throws BLOB_UNKNOWN */
  kept(stored: StoredBlob): Promise<Uint8Array | undefined>
}

/** By the name of their sidecar: `pieces` are what our nodes check, `torrent` what stock BitTorrent clients check. */
const kinds = {
  pieces: { algorithm: 'sha256', hashLength: HASH_LENGTH },
  torrent: { algorithm: 'sha1', hashLength: SHA1_LENGTH },
} as const

/** The part of the local store that piece hashes need. */
export interface HashedStore extends Sidecars, Pick<BlobReader, 'open'>, Pick<Retention, 'delete'> {}

export function pieceHashes(store: HashedStore, name: keyof typeof kinds = 'pieces'): PieceHashes {
  const { algorithm, hashLength } = kinds[name]
  const flights = singleFlight<Digest, Uint8Array>()

  const compute = async (stored: StoredBlob, signal: AbortSignal) => {
    const map = new PieceMap(stored.size)
    const whole = createHash(digestAlgorithm(stored.digest))
    const bytes = passing(await store.open(stored.digest, { signal }), whole)
    const hashes = await hashPieces(bytes, map, { algorithm, signal })
    if (whole.digest('hex') !== digestHex(stored.digest)) {
      await store.delete(stored.digest)
      throw appError('STORE_CORRUPT', { detail: { digest: stored.digest } })
    }
    await store.putSidecar(stored.digest, name, hashes)
    return hashes
  }

  const kept = async (stored: StoredBlob) => {
    const found = await store.sidecar(stored.digest, name)
    return found?.byteLength === new PieceMap(stored.size).count * hashLength ? found : undefined
  }

  return {
    kept,
    of: async (stored, options = {}) =>
      (await kept(stored)) ?? flights.run(stored.digest, (signal) => compute(stored, signal), options),
  }
}
