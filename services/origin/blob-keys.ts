import { type Digest, digestAlgorithm, digestHex } from '../../lib/core/index.ts'

/**
 * The keys of blobs in a backend; no other code builds them. The two hex digits spread the keys, because object stores
 * limit the rate of requests by key prefix.
 *
 *     blobs/
 *       sha256/ab/abcdef...   the bytes of the blob
 */
export function blobKey(digest: Digest): string {
  const hex = digestHex(digest)
  return `blobs/${digestAlgorithm(digest)}/${hex.slice(0, 2)}/${hex}`
}
