import { appError, type Clock } from '../../../lib/base/index.ts'
import type { Digest } from '../../../lib/core/index.ts'

const FIRST_MS = 60_000
const LONGEST_MS = 60 * 60_000
const MAX_ENTRIES = 10_000

interface Refusal {
  readonly untilMs: number
  readonly lastsMs: number
}

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
  const entries = new Map<Digest, Refusal>()

  const forgetOldest = () => {
    const oldest = entries.keys().next()
    if (!oldest.done) entries.delete(oldest.value)
  }

  return {
    check(digest) {
      const entry = entries.get(digest)
      if (entry === undefined || entry.untilMs <= clock.now()) return
      throw appError('DIGEST_REFUSED', { detail: { digest, retryAfterMs: entry.untilMs - clock.now() } })
    },
    add(digest) {
      const before = entries.get(digest)
      const lastsMs = before === undefined ? FIRST_MS : Math.min(LONGEST_MS, before.lastsMs * 2)
      entries.delete(digest)
      if (entries.size >= MAX_ENTRIES) forgetOldest()
      entries.set(digest, { untilMs: clock.now() + lastsMs, lastsMs })
    },
    has: (digest) => entries.has(digest),
    clear: (digest) => void entries.delete(digest),
  }
}
