import { type Digest, digestAlgorithm, digestHex, parseDigest } from '../../lib/core/index.ts'

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

export const BLOB_PREFIX = 'blobs/'

/** The digest of a key under `BLOB_PREFIX`; undefined when the key is none of ours. */
export function digestOfKey(key: string): Digest | undefined {
  const [, algorithm, prefix, hex] = /^blobs\/([a-z0-9]+)\/([0-9a-f]{2})\/([0-9a-f]+)$/.exec(key) ?? []
  if (hex === undefined || !hex.startsWith(prefix ?? '')) return undefined
  try {
    return parseDigest(`${algorithm}:${hex}`)
  } catch {
    return undefined
  }
}
