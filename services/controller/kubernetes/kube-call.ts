import type { HttpClient, HttpRequest, HttpResponse } from '../../../lib/http/index.ts'
import type { AccessTexts } from './access-texts.ts'
import { errorFromAnswer, unreachable } from './kube-error.ts'

/** A call of the API. */
export interface KubeRequest extends Omit<HttpRequest, 'url' | 'body'> {
  /** Begins with a slash. */
  readonly path: string
  readonly query?: Readonly<Record<string, string | undefined>>
  /** The body. */
  readonly json?: unknown
}

/** Where calls go, and as whom; `access` may change between two of them. */
export interface KubeLine {
  readonly http: HttpClient
  readonly access: { readonly now: AccessTexts }
}

/** Longest wait for the head of an answer: the server itself gives up after a minute. */
const HEADERS_MS = 30_000

/** Most bytes of one object: etcd takes 1.5 MiB by default, in a denser form. */
export const MAX_OBJECT_BYTES = 4 * 1024 * 1024

/**
 * Sends a call; the answer is one of 2xx, and its body is the caller's.
 * @throws the error that the server answered; KUBE_UNAVAILABLE, TLS_UNTRUSTED, ABORTED
 */
export async function sendKube({ http, access }: KubeLine, request: KubeRequest): Promise<HttpResponse> {
  const { path, query = {}, json, headers = {}, ...rest } = request
  const { server, token } = access.now
  const asked = Object.entries(query).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value] as [string, string]],
  )
  const search = asked.length === 0 ? '' : `?${new URLSearchParams(asked).toString()}`
  try {
    const response = await http.request({
      headersTimeoutMs: HEADERS_MS,
      ...rest,
      url: server + path + search,
      headers: {
        accept: 'application/json',
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...(json !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(json !== undefined && { body: Buffer.from(JSON.stringify(json)) }),
    })
    if (response.status < 200 || response.status >= 300) throw await errorFromAnswer(response)
    return response
  } catch (err) {
    throw unreachable(err)
  }
}

/** The same, with the JSON that is answered. @throws BODY_TOO_LARGE above `limit` bytes, BODY_INVALID */
export async function askKube(line: KubeLine, request: KubeRequest, limit = MAX_OBJECT_BYTES): Promise<unknown> {
  const response = await sendKube(line, request)
  try {
    return await response.json(limit)
  } catch (err) {
    throw unreachable(err)
  }
}
