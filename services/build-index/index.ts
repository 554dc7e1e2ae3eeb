export { type BuildIndexConfig, buildIndexSchema } from './config.ts'
export { run } from './main.ts'
export { type BuildIndexComponents, type BuildIndexService, buildIndexService } from './service.ts'
