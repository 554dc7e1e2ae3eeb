import { serviceDoor } from '../../lib/service/index.ts'
import { originSchema } from './config.ts'
import { originService } from './service.ts'

export { type OriginConfig, originSchema } from './config.ts'
export { type OriginComponents, type OriginService, originService } from './service.ts'

export const originDoor = serviceDoor({ kind: 'origin', schema: originSchema, make: originService })
