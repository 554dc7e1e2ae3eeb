import { type FakeClock, fakeClock, seededRandom } from '../../../lib/base/index.ts'
import { recordingMetrics, silentLogger } from '../../../lib/telemetry/index.ts'
import { managerIdentity } from '../../../services/manager/database/identity.ts'
import { type PlanDefaults, planOf } from '../../../services/manager/settings/plan.ts'
import { followedTrackers } from '../../../services/manager/settings/push-all.ts'
import { rolloutStore } from '../../../services/manager/settings/rollout-store.ts'
import { rolloutWorkStore } from '../../../services/manager/settings/rollout-work-store.ts'
import { parseScope } from '../../../services/manager/settings/scope.ts'
import { settingsMeters } from '../../../services/manager/settings/settings-meters.ts'
import { settingsStore } from '../../../services/manager/settings/settings-store.ts'
import { settingsRound } from '../../../services/manager/settings/settings-work.ts'
import type { SteeredClusters } from '../../../services/manager/settings/steered-clusters.ts'
import type { MadeDatabase } from './databases.ts'

export const planDefaults: PlanDefaults = {
  ...{ soakSeconds: 60, applySeconds: 120, maxRefused: 0, gonePerHundred: 5, minPulls: 10 },
  ...{ errorsPerHundred: 2, stallsPerHundred: 2, chance: 0.001, rollBack: true },
}

export interface SetInit extends Partial<PlanDefaults> {
  readonly scope?: string
  readonly steps?: readonly ({ readonly hosts: number } | { readonly percent: number })[]
}

/** The stores and the work of settings over a database, under a clock that stands still. */
export function settingsLab({ database }: Pick<MadeDatabase, 'database'>, clock: FakeClock = fakeClock(), seed = 1) {
  const metrics = recordingMetrics()
  const parts = { database, clock, random: seededRandom(seed), logger: silentLogger() }
  const store = settingsStore(parts)
  const rollouts = rolloutStore(parts)
  const work = rolloutWorkStore(parts)
  const identity = managerIdentity(parts)
  const meters = settingsMeters(metrics)
  const [sinceMs, followed] = [clock.now(), followedTrackers(clock)]
  return {
    ...{ clock, metrics, store, rollouts, work, identity },
    /** A version by `ada`; with `steps` it is rolled out in steps. */
    set: (values: Readonly<Record<string, unknown>>, { scope = 'all', steps, ...limits }: SetInit = {}) => {
      const plan = planOf('agent', steps === undefined ? undefined : { steps, ...limits }, planDefaults)
      const made = { scope: parseScope(scope), kind: 'agent', values, author: 'ada', reason: 'a test' }
      return store.set({ ...made, plan, atOnce: steps === undefined }, () => undefined)
    },
    /** One round of work. */
    round: async (clusters: SteeredClusters): Promise<void> => {
      const components = { ...parts, clusters, store, rollouts: work, meters, manager: () => identity.id }
      const init = { signal: new AbortController().signal, lookingSinceMs: sinceMs, followed }
      while (await settingsRound(components, init));
    },
  }
}
