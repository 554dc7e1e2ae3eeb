import { Readable } from 'node:stream'
import { isNativeError } from 'node:util/types'
import { type AbortOptions, hasCode } from '../../base/index.ts'
import type { HttpClient, HttpRequest, HttpResponse } from '../../http/index.ts'
import { webFailure } from '../web/web-client.ts'
import type { TosClientOptions } from './tos-client.ts'

/** What sends the requests that the SDK has made and signed. */
export type TosTransport = NonNullable<TosClientOptions['requestAdapter']>

type Sent = Parameters<TosTransport>[0]
type Answer = Awaited<ReturnType<TosTransport>>

type Parameter = string | number | boolean | null | undefined

/** Bytes of an answer that is read whole; a page of a listing has at most 1,000 keys, with some facts about each. */
const MAX_TOS_ANSWER = 8 * 1024 * 1024

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'] as const

/**
 * Sends the requests of the SDK by our own client, in place of the HTTP library that the SDK comes with: that one only
 * puts requests together, and has no socket in its hand. `optionsNow` gives what belongs to the request under way.
 * @throws (the transport) what `webFailure` makes of a failure, and the error with a `response` that the SDK expects
 */
export function tosTransport(http: HttpClient, optionsNow: () => AbortOptions): TosTransport {
  return async (sent) => {
    const answer = await failingAsWeb(http.request({ ...requestOf(sent), ...optionsNow() }))
    const isStream = sent.responseType === 'stream'
    const data: unknown = isStream ? answer.body : await failingAsWeb(textOf(answer))
    const response: Answer = {
      data,
      status: answer.status,
      statusText: '',
      headers: { ...answer.headers },
      config: sent,
    }
    if (sent.validateStatus?.(answer.status) ?? answer.status < 300) return response
    throw Object.assign(new Error(`the answer has the status ${answer.status}`), { isAxiosError: true, response })
  }
}

async function failingAsWeb<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (err) {
    // `tosError` reads the reason from the error of the connection.
    const { cause } = err as { readonly cause?: unknown }
    throw hasCode(err, 'PEER_CLOSED', 'TLS_UNTRUSTED') && isNativeError(cause) ? cause : webFailure(err)
  }
}

const textOf = async (answer: HttpResponse): Promise<string> =>
  Buffer.from(await answer.bytes(MAX_TOS_ANSWER)).toString('utf8')

function requestOf({ method = 'GET', baseURL = '', url = '', params, headers = {}, data }: Sent): HttpRequest {
  const body = bodyOf(data)
  return {
    method: methods.find((name) => name === method.toUpperCase()) ?? 'GET',
    url: `${baseURL}${url}${queryOf(params as Readonly<Record<string, Parameter>> | undefined)}`,
    headers: Object.fromEntries(
      Object.entries(headers as Readonly<Record<string, Parameter>>).flatMap(([name, value]) =>
        value === undefined ? [] : [[name, String(value)]],
      ),
    ),
    ...(body !== undefined && { body }),
    // The governor limits the time.
    headersTimeoutMs: 0,
    idleTimeoutMs: 0,
  }
}

function queryOf(params: Readonly<Record<string, Parameter>> = {}): string {
  const pairs = Object.entries(params).flatMap(([name, value]) =>
    value === undefined || value === null ? [] : [`${encodeURIComponent(name)}=${encodeURIComponent(value)}`],
  )
  return pairs.length === 0 ? '' : `?${pairs.join('&')}`
}

/** A body of no bytes is none. */
function bodyOf(data: unknown): Uint8Array | Readable | undefined {
  if (data instanceof Readable || data instanceof Uint8Array) return data
  return typeof data === 'string' && data !== '' ? Buffer.from(data) : undefined
}
