import { type Clock, countCache } from '../../../lib/base/index.ts'
import type { BlobRef } from '../../../lib/core/index.ts'

/** So long an origin is believed to read what it has claimed, unless it says otherwise. */
const CLAIM_MS = 10 * 60_000
const MAX_CLAIMS = 10_000

/**
 * What other origins have said of the backend: who is about to read a blob from it, or reads it. The question by which an
 * origin claims a blob goes to all others, so each of them knows the claim, also once the origin answers no more for a while.
 */
export interface ClaimsHeard {
  note(blob: BlobRef, memberId: string): void
  has(blob: BlobRef, memberId: string): boolean
  /** The member reads the blob no longer, or has proven dead. */
  drop(blob: BlobRef, memberId: string): void
}

export interface ClaimsHeardComponents {
  readonly clock: Pick<Clock, 'monotonicMs'>
  /** Keys for a blob and the place where it lies. */
  readonly keys: { readonly of: (blob: BlobRef) => string }
}

export function claimsHeard({ clock, keys }: ClaimsHeardComponents): ClaimsHeard {
  const claims = countCache<true>(clock, { ttlMs: CLAIM_MS, maxEntries: MAX_CLAIMS })
  const keyOf = (blob: BlobRef, memberId: string) => `${keys.of(blob)} ${memberId}`
  return {
    note: (blob, memberId) => claims.set(keyOf(blob, memberId), true),
    has: (blob, memberId) => claims.get(keyOf(blob, memberId)) === true,
    drop: (blob, memberId) => claims.delete(keyOf(blob, memberId)),
  }
}
