import type { Judgement } from './rules/judge.ts'
import type { FoundRecord, Plan, Power } from './rules/plan.ts'

export const NOTHING: Plan = { put: [], remove: [] }

export const isIdle = ({ put, remove }: Plan): boolean => put.length === 0 && remove.length === 0

/** What is known of the names. */
export interface KeeperState {
  readonly power: Power | 'none'
  readonly judgement: Judgement | undefined
  /** As the zone said last; undefined: it has not been read. */
  readonly found: readonly FoundRecord[] | undefined
  /** What would be done next. */
  readonly plan: Plan
  /** Of the last round that failed; undefined when the last one did not. */
  readonly failure: { readonly code: string; readonly message: string; readonly atMs: number } | undefined
  /** When the zone took the last write, epoch milliseconds. */
  readonly writtenMs: number | undefined
}

/** The last try to remove records. */
export interface Removal {
  readonly tried: ReadonlySet<string>
  readonly atMs: number
}

export const NO_STATE: KeeperState = {
  power: 'none',
  judgement: undefined,
  found: undefined,
  plan: NOTHING,
  failure: undefined,
  writtenMs: undefined,
}
