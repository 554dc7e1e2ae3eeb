import type { RetentionVerdict } from '../../../lib/api/index.ts'
import type { Repository, Tag } from '../../../lib/core/index.ts'
import { type IsImmutable, isGrowing } from '../immutable-tags.ts'
import { matcher, type TagRule } from '../replication/rules.ts'
import type { RetentionRule } from './config.ts'

/** What is known of a tag. */
export interface TagFacts {
  readonly tag: Tag
  /** When it was moved last, in whatever cluster; 0: nobody knows. */
  readonly changedAtMs: number
  /** When somebody asked for it last, as far as that was written. */
  readonly pulledAtMs?: number | undefined
}

export interface JudgeInit {
  readonly rules: readonly RetentionRule[]
  readonly protect: readonly TagRule[]
  readonly isImmutable: IsImmutable
}

export interface JudgeMoment {
  readonly nowMs: number
  /** Since when all pulls are written; undefined: they are not. */
  readonly recordedSinceMs: number | undefined
}

/** Says of each tag of a repository whether it is kept, and why, in the order of the tags. Pure. */
export type JudgeTags = (
  repository: Repository,
  tags: readonly TagFacts[],
  moment: JudgeMoment,
) => readonly RetentionVerdict[]

export function judgeTags({ rules, protect, isImmutable }: JudgeInit): JudgeTags {
  const matchers = rules.map(matcher)
  const protectors = protect.map(matcher)

  const ruleOf = (repository: Repository, tag: Tag): number | Exclude<RetentionVerdict['reason'], 'expired'> => {
    if (isGrowing(tag)) return 'signature'
    if (protectors.some(({ fits }) => fits(repository, tag))) return 'protected'
    const rule = matchers.findIndex(({ fits }) => fits(repository, tag))
    if (rule < 0) return 'noRule'
    return isImmutable(repository, tag) && rules[rule]?.immutable !== true ? 'immutable' : rule
  }

  return (repository, tags, moment) => {
    const ruled = tags.map((facts) => ({ facts, rule: ruleOf(repository, facts.tag) }))
    const newest = rules.map((rule, number) =>
      newestOf(
        rule,
        ruled.filter((each) => each.rule === number),
      ),
    )
    return ruled.map(({ facts, rule: number }): RetentionVerdict => {
      const { tag, changedAtMs, pulledAtMs } = facts
      const told = { tag, changedAtMs, ...(pulledAtMs !== undefined && { pulledAtMs }) }
      if (typeof number === 'string') return { ...told, kept: true, reason: number }
      const rule = rules[number] as RetentionRule
      const reason = newest[number]?.has(tag) === true ? 'newest' : keptByTime(rule, facts, moment)
      return { ...told, rule: number, kept: reason !== 'expired', reason }
    })
  }
}

/** Of tags that were moved in the same millisecond, the later names count as the newer ones. */
function newestOf({ newest = 0 }: RetentionRule, ruled: readonly { readonly facts: TagFacts }[]): ReadonlySet<Tag> {
  const order = ruled
    .map(({ facts }) => facts)
    .toSorted((a, b) => b.changedAtMs - a.changedAtMs || (a.tag < b.tag ? 1 : -1))
  return new Set(order.slice(0, newest).map(({ tag }) => tag))
}

function keptByTime(
  { youngerThan, pulledWithin }: RetentionRule,
  { changedAtMs, pulledAtMs = 0 }: TagFacts,
  { nowMs, recordedSinceMs = nowMs }: JudgeMoment,
): RetentionVerdict['reason'] {
  if (changedAtMs === 0) return 'undated'
  if (youngerThan !== undefined && changedAtMs > nowMs - youngerThan) return 'young'
  // What was pulled before pulls were written may have been pulled the moment before.
  const usedAtMs = Math.max(pulledAtMs, recordedSinceMs)
  return pulledWithin !== undefined && usedAtMs > nowMs - pulledWithin ? 'pulled' : 'expired'
}
