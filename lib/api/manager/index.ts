import { adminCall } from '../admin.ts'
import { opaque } from '../bounded.ts'
import { auditCalls } from './audit.ts'
import { clusterCalls } from './clusters.ts'
import { jobCalls } from './jobs.ts'
import { managerCall } from './manager-call.ts'
import { memberCalls } from './members.ts'
import { peopleCalls } from './people.ts'
import { managedRegistryCalls } from './registry-users.ts'
import { relationCalls } from './relations.ts'
import { rightCalls } from './rights.ts'
import { rolloutCalls } from './rollouts.ts'
import { scheduleCalls } from './schedules.ts'
import { settingCalls } from './settings.ts'
import { viewCalls } from './views.ts'

export { type AssignmentAsker, askAssignment } from './assignment-client.ts'
export type { AuditRow } from './audit.ts'
export { type ClusterAnswer, managedClusterName } from './clusters.ts'
export {
  type DragonflyArgs,
  type DragonflyCluster,
  type DragonflyJob,
  dragonflyClusterSchema,
  dragonflyJobSchema,
  dragonflyPatchSchema,
} from './dragonfly.ts'
export {
  type JobCredentials,
  type JobPartAnswer,
  type JobRowAnswer,
  type JobSpec,
  type JobTally,
  jobScopes,
  jobSpecSchema,
  MAX_JOB_CLUSTERS,
  MAX_TARGETS,
  type ManagedJobAnswer,
  type ManagedJobBody,
  type ManagedJobKind,
  managedJobKinds,
} from './jobs.ts'

export {
  type HeartbeatBody,
  type JoinBody,
  type JoiningClient,
  joiningCalls,
  type MemberKind,
  memberKinds,
} from './joining.ts'
export { checkLiveValues, liveJsonSchemas, liveKinds } from './live-values.ts'
export {
  type ManagerCall,
  type ManagerCalls,
  type ManagerNeed,
  type ManagerResource,
  managerResources,
} from './manager-call.ts'
export {
  type AssignedCluster,
  type AssignmentAnswer,
  assignmentSchema,
  type HostAnswer,
  hostStates,
  type MemberAnswer,
  type MemberState,
  memberStates,
} from './members.ts'
export {
  type Grant,
  type InviteRow,
  type Me,
  personName,
  type RoleRow,
  type SessionRow,
  type TokenRow,
  type UserRow,
} from './people-shapes.ts'
export { type RegistryProxy, type RegistryUserRow, registryProxyStates } from './registry-users.ts'
export {
  MAX_RELATIONS,
  type RelationRow,
  type RelationState,
  relationStates,
  type SeenRelation,
} from './relations.ts'
export type { PlanBody, RolloutPlan } from './rollout-plan.ts'
export {
  type HaltCode,
  type RolloutAnswer,
  type RolloutEvent,
  type RolloutLook,
  type RolloutState,
  rolloutStates,
} from './rollouts.ts'
export { type ScheduleAnswer, type ScheduleBody, scheduleNameSchema, specOfSchedule } from './schedules.ts'
export {
  type BehindHost,
  type SettingSlotAnswer,
  type SettingsRun,
  type SettingVersionAnswer,
  type SteeredTracker,
  settingCalls,
  steeredTrackerStates,
} from './settings.ts'
export {
  type ClusterNow,
  type ContentInCluster,
  type ImageInCluster,
  type Sample,
  type SwarmViewRow,
  viewCalls,
  type WholeSwarm,
} from './views.ts'

/** The API of a manager, on its listeners `http` and `admin`. */
export const managerApi = {
  ...auditCalls,
  ...jobCalls,
  ...scheduleCalls,
  ...peopleCalls,
  ...rightCalls,
  ...managedRegistryCalls,
  ...clusterCalls,
  ...relationCalls,
  ...memberCalls,
  ...viewCalls,
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
