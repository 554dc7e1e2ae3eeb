import { serviceDoor } from '../../lib/service/index.ts'
import { proxySchema } from './config.ts'
import { proxyService } from './service.ts'

export { type ProxyConfig, proxySchema } from './config.ts'
export { type ProxyComponents, type ProxyService, proxyService } from './service.ts'

export const proxyDoor = serviceDoor({ kind: 'proxy', schema: proxySchema, make: proxyService })
