import { serviceDoor } from '../../lib/service/index.ts'
import { managerSchema } from './config.ts'
import { managerService } from './service.ts'

export type { ManagerComponents } from './service.ts'
export { type ManagerTools, managerTools } from './tools.ts'

export const managerDoor = serviceDoor({ kind: 'manager', schema: managerSchema, make: managerService })
