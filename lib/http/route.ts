import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Principal, Right } from '../identity/index.ts'
import type { BodyBudget } from './body-budget.ts'

/** One request and its answer, as a handler sees them. */
export interface Exchange {
  readonly req: IncomingMessage
  readonly res: ServerResponse
  /** Upper case. */
  readonly method: string
  /** Path without query, still percent-encoded. */
  readonly path: string
  /** As sent, without the question mark. */
  readonly rawQuery: string
  readonly query: URLSearchParams
  /** Path parameters, percent-decoded once. A wildcard's segments are joined by `/`. */
  readonly params: Readonly<Record<string, string>>
  readonly principal: Principal
  /** `X-Request-Id` of the caller, or a new one; also sent in the answer. */
  readonly requestId: string
  /**
   * The body, to be read once. Whoever stops before its end leaves the rest to the listener: it reads or cuts that after
   * the answer. Fails with the reason of `signal`, and when the client disconnects.
   */
  readonly body: AsyncIterable<Uint8Array>
  /** What `readBytes` and `readJson` hold of the body counts here. */
  readonly bodies: BodyBudget
  /** Fires when the client disconnects before the answer is complete, or when the server's drain time is over. */
  readonly signal: AbortSignal
}

export type HttpMethod = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

/** One row of a service's routing table; `docs/endpoints.md` has a matching row. */
export interface Route {
  readonly methods: readonly HttpMethod[]
  /** express 5 pattern, e.g. `/namespace/:namespace/blobs/:digest` or `/v2/*rest`. */
  readonly path: string
  /** The right that the caller needs; `none` is for probes. */
  readonly right: 'none' | Right
  /** Whoever has this right in place of the other one may call the route, too. */
  readonly orRight?: Right
  /**
   * Decides in place of `right` whether the caller may, when more than the route has a part in that; before anything of the
   * body is read. `hidden`: the handler will answer as if nothing were there, which is a refusal in the audit trail.
   * @throws UNAUTHORIZED, DENIED
   */
  readonly admits?: (exchange: Exchange) => 'admitted' | 'hidden'
  /** Whether a request that was answered with this status has changed something; each one is told to the audit trail. */
  readonly changes?: (method: string, status: number) => boolean
  /** It leads to nothing that a trace would show: none begins here. Default false. */
  readonly untraced?: boolean
  /** One line for the docs. */
  readonly summary: string
  /** Answers, or throws an AppError, which the error middleware turns into an answer. */
  readonly handle: (exchange: Exchange) => Promise<void> | void
}
