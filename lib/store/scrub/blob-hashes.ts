import { type AbortOptions, hasCode, type TokenBucket } from '../../base/index.ts'
import { digestAlgorithm, digestHex } from '../../core/index.ts'
import { blobHasher, type PieceDigester } from '../../metainfo/index.ts'
import type { StoredBlob } from '../blob-store.ts'
import type { BlobInspection } from '../upkeep.ts'
import { pacedRead } from './paced-read.ts'

export interface BlobHashesComponents {
  readonly store: BlobInspection
  /** Hashes beside the event loop where it has a thread. */
  readonly digester: Pick<PieceDigester, 'digest' | 'running'>
}

export interface BlobHashesOptions extends AbortOptions {
  readonly pace: TokenBucket
  /** Whether the pieces are hashed, too. */
  readonly pieces: boolean
}

export interface ReadHashes {
  /** The bytes have the digest of the blob. */
  readonly isRight: boolean
  /** The concatenated SHA-256 of all pieces; undefined when they were not asked for. */
  readonly pieces: Uint8Array | undefined
}

type Blob = Pick<StoredBlob, 'digest' | 'size'>

/** The digest of a blob in hex, and the hashes of its pieces, while its bytes pass once. */
function passing({ digest, size }: Blob, digester: BlobHashesComponents['digester'], withPieces: boolean) {
  const algorithm = digestAlgorithm(digest)
  const hasher = withPieces ? blobHasher(digester) : undefined
  hasher?.expect({ least: size, most: size })
  // The hasher of the pieces computes this one as well.
  const whole = hasher !== undefined && algorithm === 'sha256' ? undefined : digester.running(algorithm)
  return {
    update: (bytes: Uint8Array) => Promise.all([whole?.update(bytes), hasher?.update(bytes)]),
    async end() {
      const [hex, hashes] = await Promise.all([whole?.end(), hasher?.end()])
      return { hex: hex ?? hashes?.sha256, pieces: hashes?.pieces }
    },
    close() {
      whole?.close()
      hasher?.close()
    },
  }
}

/**
 * Reads a stored blob and hashes it. Undefined when the disk cannot give all bytes, or has lost the file.
 * @throws ABORTED, BLOB_UNKNOWN when it was removed meanwhile, UNAVAILABLE when the thread of the digester has ended
 */
export async function readHashes(
  { store, digester }: BlobHashesComponents,
  blob: Blob,
  { pace, signal, pieces }: BlobHashesOptions,
): Promise<ReadHashes | undefined> {
  const hashing = passing(blob, digester, pieces)
  try {
    for await (const chunk of pacedRead(store, blob, { pace, signal })) await hashing.update(chunk)
    const ended = await hashing.end()
    return { isRight: ended.hex === digestHex(blob.digest), pieces: ended.pieces }
  } catch (err) {
    hashing.close()
    const isMissing = hasCode(err, 'BLOB_UNKNOWN') && store.look(blob.digest) !== undefined
    if (isMissing || hasCode(err, 'EIO', 'STORE_CORRUPT')) return undefined
    throw err
  }
}
