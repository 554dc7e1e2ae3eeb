import type { Digest } from '../../../lib/core/index.ts'

/** Whether the local copy of a blob may be evicted. */
export type EvictionRule = (digest: Digest) => Promise<boolean>

/**
 * The question that the local store asks before it evicts a blob. The store needs it at once, but the rule that answers
 * needs the store and the ring, so the rule is set later with `decideBy`.
 */
export interface EvictionVote {
  /** The store calls this. Until a rule is set, no blob may be evicted. */
  readonly mayEvict: EvictionRule
  /** Sets the rule that decides from now on. */
  decideBy(rule: EvictionRule): void
}

export function evictionVote(): EvictionVote {
  let current: EvictionRule = async () => false
  return {
    mayEvict: (digest) => current(digest),
    decideBy(rule) {
      current = rule
    },
  }
}
