import type { Readable } from 'node:stream'
import type { AbortOptions, Startable } from '../base/index.ts'

/**
 * Which connections a request takes: `upload` and `download` are for bodies that may take long, so that they cannot keep
 * short requests waiting.
 */
export type Lane = 'control' | 'upload' | 'download'

export interface HttpRequest extends AbortOptions {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Absolute. */
  readonly url: string
  readonly headers?: Readonly<Record<string, string>>
  /** A stream is sent only once and cannot be retried. */
  readonly body?: Uint8Array | Readable
  /** Default `control`. */
  readonly lane?: Lane
  /**
   * Longest wait for the answer's header; default 10 s. The wait starts again with each interim answer (1xx), which a
   * server sends while it is still working. 0 means no limit (an upload's answer may wait for the backend).
   */
  readonly headersTimeoutMs?: number
  /** Longest pause between two chunks of the answer's body; default 30 s. */
  readonly idleTimeoutMs?: number
}

export interface HttpResponse {
  readonly status: number
  /** Names are in lower case; repeated headers are joined with `, `. */
  readonly headers: Readonly<Record<string, string>>
  /** Must be consumed, discarded or destroyed. Destroying it closes the connection. */
  readonly body: Readable
  /** Reads the whole body. @throws BODY_TOO_LARGE above `limit` bytes. */
  bytes(limit: number): Promise<Uint8Array>
  /** Parses the whole body. @throws BODY_INVALID, BODY_TOO_LARGE */
  json(limit: number): Promise<unknown>
  /** Reads the rest of the body and drops it, so that the connection can be reused. */
  discard(): Promise<void>
}

/** HTTP/1.1 with kept-alive connections (undici). Never follows redirects and never decompresses bodies. */
export interface HttpClient extends Startable {
  /**
   * Any status is an answer, not an error. Sends the bearer token of the client if it has one.
   * @throws ABORTED, REQUEST_TIMEOUT (no header in time), PEER_CLOSED (refused, reset, unknown host), TLS_UNTRUSTED (a
   * certificate is not taken, or the other side speaks no TLS), CONNECTIONS_BUSY (too many wait for a connection)
   */
  request(request: HttpRequest): Promise<HttpResponse>
}
