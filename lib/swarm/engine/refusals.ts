import { appError, type Clock, countCache, refusedKeys } from '../../base/index.ts'
import { type BlobRef, blobRefKey, type Digest } from '../../core/index.ts'
import type { SwarmLimits } from '../limits.ts'

/**
 * Blobs that are not requested again for a while: unknown ones, and those whose content was wrong. Each repository may
 * have a backend of its own, so what is refused in one is not refused in another.
 */
export interface Refusals {
  /** @throws DIGEST_REFUSED, BLOB_UNKNOWN */
  check(blob: BlobRef): void
  /** Reports that no source knows the blob. */
  unknown(blob: BlobRef): void
  /** Reports that the content under this name was wrong; each refusal lasts twice as long as the one before. */
  wrong(blob: BlobRef): void
  /** Reports that a tracker's metainfo for the blob was contradicted. */
  doubted(digest: Digest): void
  /** True for a while after `doubted`: then the origins themselves should be asked. */
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
    unknown: (blob) => unknown.set(blobRefKey(blob), true),
    wrong: (blob) => wrong.add(blobRefKey(blob)),
    doubted: (digest) => doubted.set(digest, true),
    doubts: (digest) => doubted.get(digest) === true,
  }
}
