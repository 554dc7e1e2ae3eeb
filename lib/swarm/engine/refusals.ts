import { type AppError, appError, type Clock } from '../../base/index.ts'
import { type BlobRef, blobRefKey, type Digest } from '../../core/index.ts'
import type { SwarmLimits } from '../limits.ts'

/** Blobs that are not requested again for a while: unknown ones, and digests whose content was wrong. */
export interface Refusals {
  /** @throws DIGEST_REFUSED, BLOB_UNKNOWN */
  check(blob: BlobRef): void
  /** Reports that no source knows the blob. */
  unknown(blob: BlobRef): void
  /** Reports that the content of the digest was wrong; each refusal lasts twice as long as the one before. */
  wrong(digest: Digest): void
  /** Reports that a tracker's metainfo for the blob was contradicted. */
  doubted(digest: Digest): void
  /** True for a while after `doubted`: then the origins themselves should be asked. */
  doubts(digest: Digest): boolean
}

interface Refusal {
  readonly untilMs: number
  readonly times: number
}

const MAX_ENTRIES = 10_000

export function refusals(clock: Clock, limits: SwarmLimits): Refusals {
  const wrong = new Map<Digest, Refusal>()
  const unknown = new Map<string, number>()
  const doubted = new Map<Digest, number>()

  return {
    check(blob) {
      const nowMs = clock.monotonicMs()
      const refusal = wrong.get(blob.digest)
      if (refusal !== undefined && nowMs < refusal.untilMs) throw refused(refusal.untilMs - nowMs)
      if (nowMs < (unknown.get(blobRefKey(blob)) ?? 0)) throw appError('BLOB_UNKNOWN')
    },
    unknown(blob) {
      remember(unknown, blobRefKey(blob), clock.monotonicMs() + limits.unknownMs)
    },
    doubted(digest) {
      remember(doubted, digest, clock.monotonicMs() + limits.doubtMs)
    },
    doubts: (digest) => clock.monotonicMs() < (doubted.get(digest) ?? 0),
    wrong(digest) {
      const times = (wrong.get(digest)?.times ?? 0) + 1
      const waitMs = Math.min(limits.maxRefusalMs, limits.refusalMs * 2 ** (times - 1))
      remember(wrong, digest, { untilMs: clock.monotonicMs() + waitMs, times })
    },
  }
}

function refused(retryAfterMs: number): AppError {
  return appError('DIGEST_REFUSED', { detail: { retryAfterMs: Math.ceil(retryAfterMs) } })
}

/** The size is limited: the oldest entry is removed when the map is full. */
function remember<K, V>(map: Map<K, V>, key: K, value: V): void {
  map.delete(key)
  map.set(key, value)
  const oldest = map.keys().next()
  if (map.size > MAX_ENTRIES && oldest.done === false) map.delete(oldest.value)
}
