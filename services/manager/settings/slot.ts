import type { RolloutPlan, RolloutState } from '../../../lib/api/index.ts'
import { parseJson } from '../../../lib/base/index.ts'
import type { Counts } from './compare.ts'
import type { Values } from './diff.ts'
import type { Progress } from './progress.ts'
import { parseScope, type Scope, scopeText } from './scope.ts'
import type { Share } from './share.ts'
import type { RolloutsTable, SettingSlotsTable, SettingVersionsTable } from './tables.ts'

/** What settings are of: a scope, for a kind of service. */
export interface SlotName {
  readonly scope: Scope
  readonly kind: string
}

/** The name of a slot in the database. */
export const slotText = ({ scope, kind }: SlotName): string => `${scopeText(scope)}/${kind}`

export interface Slot extends SlotName {
  readonly latest: number
  readonly wanted: number | undefined
  readonly rollout: { readonly id: string; readonly state: RolloutState }
  readonly touched: number
}

export interface Version extends SlotName {
  readonly version: number
  readonly values: Values
  readonly author: string
  readonly reason: string
  readonly atMs: number
}

export interface Rollout extends SlotName {
  readonly id: string
  readonly from: number | undefined
  readonly to: number
  readonly plan: RolloutPlan
  readonly progress: Progress
  readonly share: Share
  /** The generation that the hosts of the step are to apply. */
  readonly touched: number
  readonly before: Counts | undefined
  readonly madeAtMs: number
  readonly endedAtMs: number | undefined
}

type Of<Table> = Table & Pick<SettingSlotsTable, 'scope' | 'kind'>

export const versionOf = ({
  scope,
  kind,
  version,
  content,
  author,
  reason,
  atMs,
}: Of<SettingVersionsTable>): Version => ({
  ...{ scope: parseScope(scope), kind, version, values: parseJson(content) as Values },
  ...{ author, reason, atMs },
})

/** @param row with the state of its roll-out */
export const slotOf = (row: SettingSlotsTable & { readonly state: string }): Slot => ({
  ...{ scope: parseScope(row.scope), kind: row.kind, latest: row.latest, wanted: row.wanted ?? undefined },
  rollout: { id: row.rollout, state: row.state as RolloutState },
  touched: row.touched,
})

export function rolloutOf(row: Of<RolloutsTable>): Rollout {
  const plan = parseJson(row.plan) as RolloutPlan
  return {
    ...{ scope: parseScope(row.scope), kind: row.kind, id: row.id, plan },
    ...{ from: row.fromVersion ?? undefined, to: row.toVersion },
    progress: {
      ...{ state: row.state as RolloutState, step: row.step, steps: plan.steps.length },
      ...{ begun: row.begun === 1, isSettled: row.settled === 1, sinceMs: row.sinceMs },
      halt: (row.halt ?? undefined) as Progress['halt'],
    },
    share: parseJson(row.share) as Share,
    before: row.before === null ? undefined : (parseJson(row.before) as Counts),
    ...{ touched: row.touched, madeAtMs: row.madeAtMs, endedAtMs: row.endedAtMs ?? undefined },
  }
}

/** The columns that say how far a roll-out is. */
export const progressRow = ({ state, step, begun, isSettled, sinceMs, halt }: Progress) => ({
  ...{ state, step, sinceMs, begun: Number(begun), settled: Number(isSettled), halt: halt ?? null },
})
