import { type AppError, appError, type Clock, countCache, refusedKeys } from '../../base/index.ts'
import { type BlobRef, blobRefKey, type Digest } from '../../core/index.ts'
import type { SwarmLimits } from '../limits.ts'

/**
 * Blobs that are not requested again for a while: unknown ones, and those whose content was wrong. Each repository may
 * have a backend of its own, so what is refused in one is not refused in another.
 */
export interface Refusals {
  /** @throws DIGEST_REFUSED, BLOB_UNKNOWN */
  check(blob: BlobRef): void
  /**
   * Reports that a pull failed. BLOB_UNKNOWN: no source knows the blob. METAINFO_FAILED: the content under this name was
   * wrong; each refusal lasts twice as long as the one before. METAINFO_DOUBTED, METAINFO_CONFLICT: a tracker's metainfo
   * was contradicted. Other errors say nothing of the blob.
   */
  failed(blob: BlobRef, err: AppError): void
  /** True for a while after a tracker's metainfo was contradicted: then the origins themselves should be asked. */
  doubts(digest: Digest): boolean
}

const MAX_ENTRIES = 10_000

export function refusals(clock: Clock, limits: SwarmLimits): Refusals {
  const { refusalMs: firstMs, maxRefusalMs: longestMs, unknownMs, doubtMs } = limits
  const wrong = refusedKeys(clock, { firstMs, longestMs, maxEntries: MAX_ENTRIES })
  const unknown = countCache<true>(clock, { ttlMs: unknownMs, maxEntries: MAX_ENTRIES })
  const doubted = countCache<true>(clock, { ttlMs: doubtMs, maxEntries: MAX_ENTRIES })

  return {
    check(blob) {
      const leftMs = wrong.leftMs(blobRefKey(blob))
      if (leftMs > 0) throw appError('DIGEST_REFUSED', { detail: { retryAfterMs: Math.ceil(leftMs) } })
      if (unknown.get(blobRefKey(blob)) === true) throw appError('BLOB_UNKNOWN')
    },
    failed(blob, { code }) {
      if (code === 'BLOB_UNKNOWN') unknown.set(blobRefKey(blob), true)
      if (code === 'METAINFO_FAILED') wrong.add(blobRefKey(blob))
      if (code === 'METAINFO_DOUBTED' || code === 'METAINFO_CONFLICT') doubted.set(blob.digest, true)
    },
    doubts: (digest) => doubted.get(digest) === true,
  }
}
