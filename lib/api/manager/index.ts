import { adminCall } from '../admin.ts'
import { opaque } from '../bounded.ts'
import { auditCalls } from './audit.ts'
import { managerCall } from './manager-call.ts'

export type { AuditRow } from './audit.ts'
export type {
  ManagerCall,
  ManagerCalls,
  ManagerNeed,
  ManagerResource,
} from './manager-call.ts'

/** The API of a manager, on its listeners `http` and `admin`. */
export const managerApi = {
  ...auditCalls,
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
