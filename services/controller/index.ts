import { serviceDoor } from '../../lib/service/index.ts'
import { controllerSchema } from './config.ts'
import { controllerService } from './service.ts'

export { type ControllerConfig, controllerSchema } from './config.ts'
export { type DryRun, dryRun } from './dry-run.ts'
export { type ControllerComponents, type ControllerService, controllerService } from './service.ts'

export const controllerDoor = serviceDoor({ kind: 'controller', schema: controllerSchema, make: controllerService })
