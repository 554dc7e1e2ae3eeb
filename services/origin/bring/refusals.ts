import { appError, type Clock, refusedKeys } from '../../../lib/base/index.ts'
import type { Digest } from '../../../lib/core/index.ts'

const FIRST_MS = 60_000
const LONGEST_MS = 60 * 60_000
const MAX_ENTRIES = 10_000

/** Remembers digests whose content was found wrong, so that a corrupt object is not read over and over. */
export interface Refusals {
  /** @throws DIGEST_REFUSED while the digest is refused */
  check(digest: Digest): void
  /** Whether the content was found wrong, and has not been found right since. */
  has(digest: Digest): boolean
  /** Refuses the digest for 60 s; each further time for twice as long. */
  add(digest: Digest): void
  /** The content was found right. */
  clear(digest: Digest): void
}

export function refusals(clock: Clock): Refusals {
  const wrong = refusedKeys(clock, { firstMs: FIRST_MS, longestMs: LONGEST_MS, maxEntries: MAX_ENTRIES })
  return {
    check(digest) {
      const leftMs = wrong.leftMs(digest)
      if (leftMs > 0) throw appError('DIGEST_REFUSED', { detail: { digest, retryAfterMs: Math.ceil(leftMs) } })
    },
    has: (digest) => wrong.has(digest),
    add: (digest) => wrong.add(digest),
    clear: (digest) => wrong.clear(digest),
  }
}
