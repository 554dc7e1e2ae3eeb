export { admittedClient } from './admitted-client.ts'
export {
  type Answerable,
  type Headers,
  type StreamAnswer,
  sendBytes,
  sendEmpty,
  sendJson,
  sendStream,
  sendText,
} from './answers.ts'
export { type BodyOptions, readBytes, readJson } from './bodies.ts'
export { bodyBudgets } from './body-budget.ts'
export { clientOf } from './client-of.ts'
export { entityTag } from './conditions.ts'
export { isCalledBy } from './door.ts'
export type { Envelope } from './error-envelope.ts'
export { errorFromResponse } from './error-from-response.ts'
export { type SentEvent, sendEvents } from './event-stream.ts'
export type { Terms } from './forward/dial.ts'
export { authorityOf, type ForeignTarget, foreignTarget } from './forward/foreign-target.ts'
export type { Forward, ServeInside, Shown, Way } from './forward/forward.ts'
export { forwarding, forwardsTotal } from './forward/forwarding.ts'
export type { Inspection, InspectOutcome } from './forward/inspect.ts'
export type { Admits } from './guarded-lookup.ts'
export type { HttpClient, HttpRequest, HttpResponse } from './http-client.ts'
export {
  type BindAddress,
  type HttpServer,
  type HttpServerComponents,
  type HttpServerInit,
  httpServer,
} from './http-server.ts'
export { inTouch } from './in-touch.ts'
export {
  admittedFrom,
  admittedInner,
  admittedOutside,
  admittedPublic,
  isLinkHost,
  mayLeadTo,
  placeOf,
} from './inner-address.ts'
export type { Load, LoadedRequest, LoadLimits } from './load.ts'
export { type LookBudget, type LookBudgetInit, lookBudget } from './look-budget.ts'
export type { OpenRangeOptions } from './multipart.ts'
export { nextLink, type PageLimits, type PageRequest, pageRequest } from './page.ts'
export { proxyConnections } from './proxy-stage.ts'
export {
  type ContentRange,
  contentRange,
  parseContentRange,
  parseRange,
  type RangeRequest,
  unsatisfiedContentRange,
} from './range.ts'
export { refusal } from './refusal.ts'
export {
  type AdjustableRate,
  type RequestRate,
  type RequestRateInit,
  requestRate,
  type SlowDown,
} from './request-rate.ts'
export type { RequestTarget } from './request-target.ts'
export { requireRight } from './require-right.ts'
export { retryAfterMs } from './retry-after.ts'
export type { Exchange, HttpMethod, Route } from './route.ts'
export {
  type Content,
  type ContentFacts,
  type SendContentOptions,
  sendContent,
  sendContentHead,
  sendRangedHead,
} from './send-content.ts'
export { requireSeen, sendTagged } from './tagged.ts'
export type { ListenerTls } from './tls-stage.ts'
export { type HttpClientComponents, type HttpClientInit, httpClient } from './undici-client.ts'
