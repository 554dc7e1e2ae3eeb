import { adminCall } from '../admin.ts'
import { opaque } from '../bounded.ts'
import { auditCalls } from './audit.ts'
import { jobCalls } from './jobs.ts'
import { managerCall } from './manager-call.ts'
import { scheduleCalls } from './schedules.ts'

export type { AuditRow } from './audit.ts'
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
export type {
  ManagerCall,
  ManagerCalls,
  ManagerNeed,
  ManagerResource,
} from './manager-call.ts'
export { type ScheduleAnswer, type ScheduleBody, scheduleNameSchema, specOfSchedule } from './schedules.ts'

/** The API of a manager, on its listeners `http` and `admin`. */
export const managerApi = {
  ...auditCalls,
  ...jobCalls,
  ...scheduleCalls,
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
