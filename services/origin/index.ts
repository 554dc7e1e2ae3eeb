export { type OriginConfig, originSchema } from './config.ts'
export { run } from './main.ts'
export { type OriginComponents, type OriginService, originService } from './service.ts'
