import { appError, type Clock, countCache } from '../../../lib/base/index.ts'
import type { BlobRef, Digest } from '../../../lib/core/index.ts'
import type { SourceKeys } from './source-keys.ts'

/** A blob that came into the backend past the origins is seen after this time. */
const MISS_MS = 1_000
const MAX_MISSES = 10_000

/** One look for a blob, at the backend and at the other origins. Must be ended. */
export interface Look {
  /** It was nowhere: an owner remembers it, unless the blob has come while the look was under way. */
  missed(): void
  end(): void
}

/**
 * Blobs that were nowhere a moment ago, so that those who ask right after are not looked for again. Only owners on the
 * ring remember: a push goes to them, wherever it is made, so they hear of it. Others look only when they believe the
 * owners dead.
 */
export interface Misses {
  /** @throws BLOB_UNKNOWN */
  check(blob: BlobRef): void
  look(blob: BlobRef): Look
  /** The blob has come. */
  clear(blob: BlobRef): void
}

export interface MissesComponents {
  readonly clock: Clock
  readonly keys: SourceKeys
  /** Whether this origin is an owner of the digest on the ring, whoever of the owners lives. */
  readonly owns: (digest: Digest) => boolean
}

export function misses({ clock, keys, owns }: MissesComponents): Misses {
  const missing = countCache<true>(clock, { ttlMs: MISS_MS, maxEntries: MAX_MISSES })
  const looks = new Map<string, Set<object>>()

  return {
    check(blob) {
      if (missing.get(keys.of(blob)) === true) throw appError('BLOB_UNKNOWN', { detail: { digest: blob.digest } })
    },
    look(blob) {
      const key = keys.of(blob)
      const mark = {}
      const under = looks.get(key) ?? new Set()
      looks.set(key, under.add(mark))
      return {
        missed() {
          if (under.has(mark) && owns(blob.digest)) missing.set(key, true)
        },
        end() {
          under.delete(mark)
          if (under.size === 0 && looks.get(key) === under) looks.delete(key)
        },
      }
    },
    clear(blob) {
      const key = keys.of(blob)
      missing.delete(key)
      looks.get(key)?.clear()
      looks.delete(key)
    },
  }
}
