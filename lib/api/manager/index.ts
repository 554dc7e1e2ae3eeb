import { adminCall } from '../admin.ts'
import { opaque } from '../bounded.ts'
import { auditCalls } from './audit.ts'
import { managerCall } from './manager-call.ts'
import { rolloutCalls } from './rollouts.ts'
import { settingCalls } from './settings.ts'

export type { AuditRow } from './audit.ts'
export { checkLiveValues, liveJsonSchemas, liveKinds } from './live-values.ts'
export type {
  ManagerCall,
  ManagerCalls,
  ManagerNeed,
  ManagerResource,
} from './manager-call.ts'
export type { PlanBody, RolloutPlan } from './rollout-plan.ts'
export {
  type HaltCode,
  type RolloutAnswer,
  type RolloutEvent,
  type RolloutLook,
  type RolloutState,
  rolloutStates,
} from './rollouts.ts'
export {
  type BehindHost,
  type SettingSlotAnswer,
  type SettingVersionAnswer,
  type SteeredTracker,
  settingCalls,
  steeredTrackerStates,
} from './settings.ts'

/** The API of a manager, on its listeners `http` and `admin`. */
export const managerApi = {
  ...auditCalls,
  ...settingCalls,
  ...rolloutCalls,
  openApi: managerCall(
    'self',
    adminCall({
      method: 'GET',
      path: '/api/v1/openapi.json',
      summary: 'all routes of the API as an OpenAPI 3.1 document',
      answer: opaque(),
    }),
  ),
}
