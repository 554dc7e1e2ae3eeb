import type { Digest } from '../../../lib/core/index.ts'

/** Whether the copy of a blob that is here may go. */
export type EvictionRule = (digest: Digest) => Promise<boolean>

/**
 * The question of the local store before it evicts a blob. It stands before the store does; the rule that answers it
 * needs the store and the ring, and takes its place with `decideBy`.
 */
export interface EvictionVote {
  /** For the store. Until a rule decides, no blob may go. */
  readonly mayEvict: EvictionRule
  /** Sets the rule; it decides from now on. */
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
