export { type ProxyConfig, proxySchema } from './config.ts'
export { run } from './main.ts'
export { type ProxyComponents, type ProxyService, proxyService } from './service.ts'
