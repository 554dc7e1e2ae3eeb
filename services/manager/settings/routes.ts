import type { Route } from '../../../lib/http/index.ts'
import { type FleetRoutesComponents, fleetRoutes } from './fleet-routes.ts'
import type { PlanDefaults } from './plan.ts'
import { type RolloutRoutesComponents, rolloutRoutes } from './rollout-routes.ts'
import { type SettingsRoutesComponents, settingsRoutes } from './settings-routes.ts'

export type SettingsWingComponents = SettingsRoutesComponents & FleetRoutesComponents & RolloutRoutesComponents

/** All routes about settings. `defaults`: limits of roll-outs that say none. */
export const settingsWingRoutes = (components: SettingsWingComponents, defaults: PlanDefaults): readonly Route[] => [
  ...settingsRoutes(components, defaults),
  ...fleetRoutes(components),
  ...rolloutRoutes(components),
]
