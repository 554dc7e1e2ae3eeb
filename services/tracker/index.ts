import { serviceDoor } from '../../lib/service/index.ts'
import { trackerSchema } from './config.ts'
import { trackerService } from './service.ts'

export { type TrackerConfig, trackerSchema } from './config.ts'
export { type TrackerComponents, type TrackerService, trackerService } from './service.ts'

export const trackerDoor = serviceDoor({ kind: 'tracker', schema: trackerSchema, make: trackerService })
