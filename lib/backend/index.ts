export type { Backend, ObjectPage, ObjectRead, ObjectStat, WriteOptions } from './backend.ts'
export { type BackendProbe, type BackendProbeInit, backendProbe } from './backend-probe.ts'
export type { Backends } from './backends.ts'
export { type BackendConfig, type BackendRules, backendRulesSchema, backendSchema } from './config.ts'
export { countedBackend } from './counted-backend.ts'
export { type FileBackendComponents, type FileBackendInit, fileBackend } from './file/file-backend.ts'
export { type Governor, type GovernorComponents, governor, type StoreOperation } from './governor.ts'
export { httpBackend } from './http/http-backend.ts'
export { defaultStoreLimits, type StoreLimits, storeLimitsSchema } from './limits-config.ts'
export { memoryBackend } from './memory-backend.ts'
export type { MultipartApi, ObjectApi, ObjectCondition, ObjectPart, Pacing } from './object-store/object-api.ts'
export {
  type ObjectStoreComponents,
  type ObjectStoreInit,
  objectStoreBackend,
} from './object-store/object-store-backend.ts'
export { type ConditionalApi, provenConditions } from './object-store/proven-conditions.ts'
export { type OpenBackendComponents, openBackend, openBackends } from './open-backend.ts'
export { pacedBackend } from './paced-backend.ts'
export { prefixedBackend } from './prefixed-backend.ts'
export { registryBackend } from './registry/registry-backend.ts'
export { type TosConfig, tosSchema } from './tos/config.ts'
export { type TosBackendComponents, tosApi, tosBackend } from './tos/tos-backend.ts'
export { type TosSession, type TosSessionComponents, tosSession } from './tos/tos-session.ts'
