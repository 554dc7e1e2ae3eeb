import type { Digest } from '../core/index.ts'

/** Something that may be evicted now: not leased, not in use. */
export interface Candidate {
  readonly digest: Digest
  readonly kind: 'blob' | 'partial'
  /** What its removal frees. */
  readonly bytes: number
  readonly usedAtMs: number
}

const rank = { blob: 0, partial: 1 } as const

/**
 * Which candidates to remove so that at least `bytesToFree` come free: complete blobs first, since a partial is wanted
 * by somebody who will come back; within each kind the least recently used. All of them when they do not suffice.
 */
export function chooseVictims(candidates: readonly Candidate[], bytesToFree: number): readonly Candidate[] {
  const inOrder = candidates
    .filter((candidate) => candidate.bytes > 0)
    .sort((a, b) => rank[a.kind] - rank[b.kind] || a.usedAtMs - b.usedAtMs)
  const victims: Candidate[] = []
  let missing = bytesToFree
  for (const candidate of inOrder) {
    if (missing <= 0) break
    victims.push(candidate)
    missing -= candidate.bytes
  }
  return victims
}
