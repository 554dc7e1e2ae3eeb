import { type Clock, countCache, deadline } from '../../../lib/base/index.ts'
import type { Digest } from '../../../lib/core/index.ts'
import type { BlobInspection } from '../../../lib/store/index.ts'
import type { Copies } from './copies.ts'

/** Longest time for all answers, because writers wait for an eviction. Without an answer the blob stays. */
const ASK_MS = 5_000
/** A "no" is remembered for this long, so that a backend that is down is not asked at every write. */
const REFUSED_MS = 30_000
const MAX_REFUSED = 100_000

export interface EvictionGuardComponents {
  readonly store: Pick<BlobInspection, 'look'>
  readonly copies: Pick<Copies, 'mayGo'>
  readonly clock: Clock
}

/** Whether a blob may be evicted: only when the backends have it, or all members that are to keep it do. */
export function evictionGuard(components: EvictionGuardComponents): (digest: Digest) => Promise<boolean> {
  const { store, copies, clock } = components
  const refused = countCache<true>(clock, { maxEntries: MAX_REFUSED, ttlMs: REFUSED_MS })

  return async (digest) => {
    const blob = store.look(digest)
    if (blob === undefined) return false
    if (refused.get(digest) === true) return false
    const cut = deadline(clock, ASK_MS)
    try {
      const mayGo = await copies.mayGo(blob, { signal: cut.signal })
      if (!mayGo) refused.set(digest, true)
      return mayGo
    } finally {
      cut.release()
    }
  }
}
