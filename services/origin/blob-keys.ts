import { type Digest, digestAlgorithm, digestHex } from '../../lib/core/index.ts'

/**
 * Where blobs lie in the backend; the only place that builds these keys. The two hex digits spread the keys, which
 * object stores reward with higher request quotas.
 *
 *     blobs/
 *       sha256/ab/abcdef...   the bytes of the blob
 */
export function blobKey(digest: Digest): string {
  const hex = digestHex(digest)
  return `blobs/${digestAlgorithm(digest)}/${hex.slice(0, 2)}/${hex}`
}
