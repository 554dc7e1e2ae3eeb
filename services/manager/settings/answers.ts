import type { RolloutAnswer, SettingSlotAnswer, SettingVersionAnswer } from '../../../lib/api/index.ts'
import { scopeText } from './scope.ts'
import type { FilledSlot } from './settings-store.ts'
import type { Rollout, Slot, Version } from './slot.ts'

export const slotAnswer = ({ scope, kind, latest, wanted, rollout, touched }: Slot): SettingSlotAnswer => ({
  ...{ scope: scopeText(scope), kind, latest, rollout, generation: touched },
  ...(wanted !== undefined && { wanted }),
})

export const filledAnswer = (slot: FilledSlot) => ({ ...slotAnswer(slot), values: slot.values })

export const versionAnswer = ({ scope, ...version }: Version): SettingVersionAnswer => ({
  ...{ ...version, scope: scopeText(scope) },
})

export const rolloutAnswer = ({ id, scope, kind, from, to, plan, progress, ...times }: Rollout): RolloutAnswer => ({
  ...{ id, scope: scopeText(scope), kind, to, plan, state: progress.state },
  ...(from !== undefined && { from }),
  ...{ step: progress.step + 1, steps: progress.steps, settled: progress.isSettled, sinceMs: progress.sinceMs },
  ...(progress.halt !== undefined && { halt: progress.halt }),
  madeAtMs: times.madeAtMs,
  ...(times.endedAtMs !== undefined && { endedAtMs: times.endedAtMs }),
})
