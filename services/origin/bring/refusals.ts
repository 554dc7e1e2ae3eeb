import type { Backend } from '../../../lib/backend/index.ts'
import { appError, type Clock, refusedKeys } from '../../../lib/base/index.ts'
import type { BlobRef, Digest } from '../../../lib/core/index.ts'
import type { SourceKeys } from './source-keys.ts'

const FIRST_MS = 60_000
const LONGEST_MS = 60 * 60_000
const MAX_ENTRIES = 10_000

/** Remembers in which backend the content of a digest was found wrong, so that a corrupt object is not read over and over. */
export interface Refusals {
  /** @throws DIGEST_REFUSED while the blob of this backend is refused */
  check(blob: BlobRef): void
  /** Whether the content was found wrong, and has not been found right since. */
  has(blob: BlobRef): boolean
  hasIn(backend: Backend, digest: Digest): boolean
  /** Refuses the blob for 60 s; each further time for twice as long. */
  add(blob: BlobRef): void
  /** The content was found right. */
  clear(blob: BlobRef): void
}

export function refusals(clock: Clock, keys: SourceKeys): Refusals {
  const wrong = refusedKeys(clock, { firstMs: FIRST_MS, longestMs: LONGEST_MS, maxEntries: MAX_ENTRIES })
  return {
    check(blob) {
      const leftMs = wrong.leftMs(keys.of(blob))
      const { digest } = blob
      if (leftMs > 0) throw appError('DIGEST_REFUSED', { detail: { digest, retryAfterMs: Math.ceil(leftMs) } })
    },
    has: (blob) => wrong.has(keys.of(blob)),
    hasIn: (backend, digest) => wrong.has(keys.at(backend, digest)),
    add: (blob) => wrong.add(keys.of(blob)),
    clear: (blob) => wrong.clear(keys.of(blob)),
  }
}
