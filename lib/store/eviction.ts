import type { Digest } from '../core/index.ts'
import type { Volume } from './medium.ts'

interface Evictable {
  readonly volume: Volume
  /** Bytes that its removal frees. */
  readonly bytes: number
  readonly usedAtMs: number
}

export interface BlobCandidate extends Evictable {
  readonly kind: 'blob' | 'partial'
  readonly digest: Digest
}

export interface UploadCandidate extends Evictable {
  readonly kind: 'upload'
  readonly id: string
  readonly abandoned: boolean
}

/** An item that may be evicted now: not leased and not in use. */
export type Candidate = BlobCandidate | UploadCandidate

/** Number of candidates for which permission is asked at one time. */
const ROUND = 16

const rankOf = (candidate: Candidate): number => {
  if (candidate.kind === 'upload') return candidate.abandoned ? 0 : 3
  return candidate.kind === 'blob' ? 1 : 2
}

/**
 * Abandoned uploads first; complete blobs before partials, since somebody will come back for a partial; last of all
 * uploads that are only quiet. Within each kind the least recently used first.
 */
function inOrder(candidates: readonly Candidate[]): Candidate[] {
  return candidates
    .filter((candidate) => candidate.bytes > 0)
    .sort((a, b) => rankOf(a) - rankOf(b) || a.usedAtMs - b.usedAtMs)
}

/** How many of the first `candidates` are needed to free `bytesToFree`; all of them when they do not suffice. */
function enough(candidates: readonly Candidate[], bytesToFree: number): number {
  let missing = bytesToFree
  let count = 0
  for (const { bytes } of candidates) {
    if (missing <= 0) break
    missing -= bytes
    count += 1
  }
  return count
}

export interface EvictionRules {
  /** Whether the candidate may be evicted; may ask other services. */
  mayEvict(candidate: Candidate): Promise<boolean>
  /** Removes it; false when somebody has begun to use it. */
  evict(candidate: Candidate): Promise<boolean>
  /** True when the eviction must stop with what it has freed, because writers wait for it. */
  isOver(): boolean
}

/** Removes candidates in order until at least `bytesToFree` are free; skips candidates that must be kept. */
export async function evictInRounds(
  candidates: readonly Candidate[],
  bytesToFree: number,
  rules: EvictionRules,
): Promise<void> {
  const left = inOrder(candidates)
  let missing = bytesToFree
  while (missing > 0 && left.length > 0 && !rules.isOver()) {
    const round = left.splice(0, Math.min(ROUND, enough(left, missing)))
    const allowed = await Promise.all(round.map((candidate) => rules.mayEvict(candidate)))
    for (const [i, candidate] of round.entries()) {
      if (allowed[i] === true && (await rules.evict(candidate))) missing -= candidate.bytes
    }
  }
}
