import { serviceDoor } from '../../lib/service/index.ts'
import { buildIndexSchema } from './config.ts'
import { buildIndexService } from './service.ts'

export { type BuildIndexConfig, buildIndexSchema } from './config.ts'
export { type BuildIndexComponents, type BuildIndexService, buildIndexService } from './service.ts'

export const buildIndexDoor = serviceDoor({ kind: 'buildIndex', schema: buildIndexSchema, make: buildIndexService })
