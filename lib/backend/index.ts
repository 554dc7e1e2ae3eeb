export type {
  Backend,
  ObjectPage,
  ObjectRead,
  ObjectStat,
  ReadHints,
  ReadObjectOptions,
  StatOptions,
  WriteOptions,
} from './backend.ts'
export { type BackendProbe, type BackendProbeInit, backendProbe, backendProbes } from './backend-probe.ts'
export type { Backends, ProbedBackend } from './backends.ts'
export { type BackendConfig, type BackendRules, backendRulesSchema, backendSchema, type Durability } from './config.ts'
export { countedBackend } from './counted-backend.ts'
export { decidesConditions } from './decides.ts'
export type { DriverComponents } from './drivers.ts'
export { durabilityOf } from './durability.ts'
export { type FileBackendComponents, type FileBackendInit, fileBackend } from './file/file-backend.ts'
export { type BackendOperation, type Governor, type GovernorComponents, governor } from './governor.ts'
export { httpBackend } from './http/http-backend.ts'
export { type BackendLimits, backendLimitsSchema, defaultBackendLimits } from './limits-config.ts'
export { memoryBackend } from './memory-backend.ts'
export type { MultipartApi, ObjectApi, ObjectCondition, ObjectPart, Pacing } from './object-store/object-api.ts'
export {
  type ObjectStoreComponents,
  type ObjectStoreInit,
  objectStoreBackend,
} from './object-store/object-store-backend.ts'
export { type ConditionalApi, provenConditions } from './object-store/proven-conditions.ts'
export { openBackend, openBackends } from './open-backend.ts'
export { pacedBackend } from './paced-backend.ts'
export { prefixedBackend } from './prefixed-backend.ts'
export type { ProofNameComponents } from './proof-name.ts'
export type { RegistryConfig } from './registry/config.ts'
export { contentSize, inEitherPlace } from './registry/content-lookup.ts'
export { openRegistry, type Registry, type RegistryComponents, type RegistryRepository } from './registry/registry.ts'
export { registryBackend } from './registry/registry-backend.ts'
export type { ManifestContent } from './registry/registry-manifests.ts'
export { rehearseConditions } from './rehearsal.ts'
export { type OpenShadowComponents, type OpenShadowInit, openShadow } from './shadow/open-shadow.ts'
export { type TosConfig, tosSchema } from './tos/config.ts'
export { type TosBackendComponents, tosApi, tosBackend } from './tos/tos-backend.ts'
export { type TosSession, type TosSessionComponents, tosSession } from './tos/tos-session.ts'
export type { UpstreamCaller } from './upstream/caller-session.ts'
export { type UpstreamRule, upstreamRuleKeys, upstreamRulesOf, upstreamRulesSchema } from './upstream/config.ts'
export type { UpstreamBudget } from './upstream/rate-limits.ts'
export type { UpstreamNews, UpstreamTalk, UpstreamTold } from './upstream/shared-ways.ts'
export type { CallerReads, Upstream, UpstreamStanding } from './upstream/upstream.ts'
export { openUpstreams, type Upstreams, type UpstreamsComponents } from './upstream/upstreams.ts'
export { withUpstreams } from './upstream/with-upstreams.ts'
export { type OwnUrgency, rankOf, type Urgency, urgency } from './urgency.ts'
export { type UrlRule, urlRulesSchema } from './url/config.ts'
export { isSameContent, tagOfUrl, type UrlFacts } from './url/url-facts.ts'
export { openUrls, type UrlContent, type Urls } from './url/urls.ts'
export { type KnownUrl, withUrls } from './url/with-urls.ts'
