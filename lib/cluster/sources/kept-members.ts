import type { Member } from '../cluster.ts'
import { MAX_SOURCED } from './member-source.ts'

/** A member, and when its source named it last, in monotonic milliseconds. */
export interface KeptMember {
  readonly member: Member
  readonly namedAtMs: number
}

/**
 * The members after an answer: those that it names, and those that it names no longer, for `keepMs`. A pod that starts again
 * is out of the DNS for a moment: it keeps its place, and what it owns does not wander to others and back. Of too many, those
 * go first that have not been named for the longest time.
 */
export function keptMembers(
  before: readonly KeptMember[],
  named: readonly Member[],
  { nowMs, keepMs }: { readonly nowMs: number; readonly keepMs: number },
): readonly KeptMember[] {
  const ids = new Set(named.map(({ id }) => id))
  const missing = before
    .filter(({ member, namedAtMs }) => !ids.has(member.id) && nowMs - namedAtMs < keepMs)
    .toSorted((a, b) => b.namedAtMs - a.namedAtMs)
  const present = named.map((member) => ({ member, namedAtMs: nowMs }))
  return [...present, ...missing].slice(0, Math.max(MAX_SOURCED, present.length))
}
