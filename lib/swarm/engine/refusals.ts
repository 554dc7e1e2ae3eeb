import { appError, type Clock, countCache, refusedKeys } from '../../base/index.ts'
import { type BlobRef, blobRefKey, type Digest } from '../../core/index.ts'
import type { SwarmLimits } from '../limits.ts'

/** What is not asked for again for a while: unknown blobs, and digests whose content was found wrong. */
export interface Refusals {
  /** @throws DIGEST_REFUSED, BLOB_UNKNOWN */
  check(blob: BlobRef): void
  /** Every source said that it does not know the blob. */
  unknown(blob: BlobRef): void
  /** The content of the digest was wrong; each time is twice as long as the one before. */
  wrong(digest: Digest): void
  /** What a tracker said of the blob does not hold. */
  doubted(digest: Digest): void
  /** It was doubted a while ago: origins themselves should be asked. */
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
      const leftMs = wrong.leftMs(blob.digest)
      if (leftMs > 0) throw appError('DIGEST_REFUSED', { detail: { retryAfterMs: Math.ceil(leftMs) } })
      if (unknown.get(blobRefKey(blob)) === true) throw appError('BLOB_UNKNOWN')
    },
    unknown: (blob) => unknown.set(blobRefKey(blob), true),
    wrong: (digest) => wrong.add(digest),
    doubted: (digest) => doubted.set(digest, true),
    doubts: (digest) => doubted.get(digest) === true,
  }
}
