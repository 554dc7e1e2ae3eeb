import { adminCall } from '../admin.ts'
import { opaque } from '../bounded.ts'
import { auditCalls } from './audit.ts'
import { managerCall } from './manager-call.ts'
import { peopleCalls } from './people.ts'
import { rightCalls } from './rights.ts'

export type { AuditRow } from './audit.ts'
export {
  type ManagerCall,
  type ManagerCalls,
  type ManagerNeed,
  type ManagerResource,
  managerResources,
} from './manager-call.ts'
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

/** The API of a manager, on its listeners `http` and `admin`. */
export const managerApi = {
  ...auditCalls,
  ...peopleCalls,
  ...rightCalls,
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
