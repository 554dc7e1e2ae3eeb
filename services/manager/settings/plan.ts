import type { PlanBody, RolloutPlan } from '../../../lib/api/index.ts'

/** Limits of roll-outs that say none. */
export type PlanDefaults = Omit<RolloutPlan, 'steps'>

/** Others tell of no pulls: nothing is to be waited for. */
const PULLING = 'agent'

/** What a caller has left out is as in the config; without a body it goes everywhere at once. */
export function planOf(kind: string, body: PlanBody | undefined, defaults: PlanDefaults): RolloutPlan {
  const { steps = [{ percent: 100 }], ...given } = body ?? {}
  const said = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
  return { ...defaults, ...(kind !== PULLING && { minPulls: 0 }), ...said, steps }
}
