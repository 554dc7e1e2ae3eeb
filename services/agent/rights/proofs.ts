import { createHmac } from 'node:crypto'
import { type Clock, countCache, type Random } from '../../../lib/base/index.ts'
import type { Digest, Repository } from '../../../lib/core/index.ts'
import { MOST_PROOF_MS } from '../../../lib/service/index.ts'
import { lifeOf } from './shown.ts'

/** Proofs of right that an agent remembers; beyond them the one that was given longest ago is asked for again. */
const MAX_PROOFS = 20_000

/** For what a right is proven: everything of a repository, or one blob of it. */
export interface Claim {
  /** `Authorization` as it was shown; undefined: nobody in particular. */
  readonly shown: string | undefined
  readonly repository: Repository
  readonly blob?: Digest
}

/**
 * Which rights a registry has confirmed a short while ago. In memory only; what was shown is kept as a hash, with a salt of
 * this process, and so is of no use to whoever reads the memory.
 */
export interface Proofs {
  /** The name of a claim: different for whatever else is shown, or claimed. */
  nameOf(claim: Claim): string
  holds(claim: Claim): boolean
  /** It was asked for at `askedMs` on the monotonic clock; counts `forMs` from then, and no longer than what was shown. */
  keep(claim: Claim, times: { readonly askedMs: number; readonly forMs: number }): void
}

export function proofs({ clock, random }: { readonly clock: Clock; readonly random: Random }): Proofs {
  const salt = random.bytes(32)
  const ends = countCache<number>(clock, { maxEntries: MAX_PROOFS, ttlMs: MOST_PROOF_MS })
  const nameOf: Proofs['nameOf'] = ({ shown, repository: { registry, name }, blob }) =>
    createHmac('sha256', salt)
      .update(JSON.stringify([registry, name, blob ?? null, shown ?? null]))
      .digest('base64')
  return {
    nameOf,
    holds: (claim) => clock.monotonicMs() < (ends.get(nameOf(claim)) ?? Number.NEGATIVE_INFINITY),
    keep(claim, { askedMs, forMs }) {
      const nowMs = clock.monotonicMs()
      const endMs = Math.min(askedMs + forMs, nowMs + lifeOf(claim.shown, clock.now()))
      if (endMs > nowMs) ends.set(nameOf(claim), endMs)
    },
  }
}
