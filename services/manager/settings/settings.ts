import { type Clock, lifecycle, type Random, type Startable } from '../../../lib/base/index.ts'
import type { Route } from '../../../lib/http/index.ts'
import type { Logger, Metrics } from '../../../lib/telemetry/index.ts'
import { acts } from '../acts.ts'
import { heldWork, type Leases, type ManagerDatabase, managerIdentity } from '../database/index.ts'
import { generationFor } from './document.ts'
import { fleetView } from './fleet-view.ts'
import type { PlanDefaults } from './plan.ts'
import { rolloutStore } from './rollout-store.ts'
import { rolloutWorkStore } from './rollout-work-store.ts'
import { settingsWingRoutes } from './routes.ts'
import { settingsMeters } from './settings-meters.ts'
import { settingsStore } from './settings-store.ts'
import { settingsWork } from './settings-work.ts'
import type { SteeredClusters } from './steered-clusters.ts'

export interface SettingsComponents {
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly metrics: Metrics
  readonly database: ManagerDatabase
  readonly clusters: SteeredClusters
  readonly duties: Leases
}

export interface SettingsConfig {
  readonly every: number
  readonly rollout: {
    readonly soak: number
    readonly apply: number
  } & Omit<PlanDefaults, 'soakSeconds' | 'applySeconds'>
}

/** Settings of all clusters: their versions and roll-outs, and the trackers that get them. */
export interface SettingsPart extends Startable {
  readonly routes: readonly Route[]
  /** The generation that the hosts of a cluster are to run; 0: none. */
  wantedGeneration(clusterId: string): Promise<number>
}

export function settingsPart(components: SettingsComponents, { every, rollout }: SettingsConfig): SettingsPart {
  const { database, clusters, duties, metrics } = components
  const store = settingsStore(components)
  const rollouts = rolloutStore(components)
  const identity = managerIdentity(components)
  const manager = () => identity.id
  const meters = settingsMeters(metrics)
  const view = fleetView({ ...components, manager })
  const duty = heldWork(duties, 'settings', (lease) => {
    const keep: ManagerDatabase['keep'] = (part) => lease.keep(part)
    const leased = { ...components, database: { read: database.read, keep } }
    const parts = { ...leased, store, manager, meters, rollouts: rolloutWorkStore(leased) }
    return settingsWork(parts, { everyMs: every })
  })
  const onChange = () => duty.ask()
  const { soak, apply, ...limits } = rollout
  const defaults = { ...limits, soakSeconds: soak / 1000, applySeconds: apply / 1000 }
  return {
    routes: settingsWingRoutes({ store, view, clusters, manager, onChange, act: acts(components), rollouts }, defaults),
    wantedGeneration: async (clusterId) => generationFor(clusterId, await store.wanted()),
    ...lifecycle([identity, duty]),
  }
}
