import { type Clock, countCache, deadline } from '../../../lib/base/index.ts'
import type { Digest } from '../../../lib/core/index.ts'
import type { BlobInspection } from '../../../lib/store/index.ts'
import type { Copies } from './copies.ts'

/** Writers wait for an eviction, so nobody is asked longer than this; no answer means that the blob stays. */
const ASK_MS = 5_000
/** A refusal is believed for this long, so that a backend that is away is not asked at every write. */
const REFUSED_MS = 30_000
const MAX_REFUSED = 100_000

export interface EvictionGuardComponents {
  readonly store: Pick<BlobInspection, 'look'>
  readonly copies: Pick<Copies, 'mayGo'>
  readonly clock: Clock
}

/** Whether a blob may be evicted: only when the backends have it, or all who are to keep it do. */
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
