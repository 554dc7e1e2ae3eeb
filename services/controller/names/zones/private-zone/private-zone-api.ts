import {
  type AbortOptions,
  type AppError,
  appError,
  type Clock,
  hasCode,
  isAbort,
} from '../../../../../lib/base/index.ts'
import type { HttpClient, HttpResponse } from '../../../../../lib/http/index.ts'
import { canonicalQuery, signedHeaders, type VolcKey } from './signature.ts'

const SERVICE = 'private_zone'
const VERSION = '2022-06-01'
/** A page of 100 records takes about 50 KB. */
const MAX_ANSWER_BYTES = 4 * 1024 * 1024
const MAX_MESSAGE = 500

export interface PrivateZoneApiComponents {
  readonly http: HttpClient
  readonly clock: Clock
  /** The key of now. @throws ZONE_DENIED when there is none */
  readonly key: () => VolcKey
}

export interface PrivateZoneApiInit {
  /** `https://private-zone.volcengineapi.com` */
  readonly endpoint: string
  readonly region: string
}

export type Fields = Readonly<Record<string, unknown>>

export const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The actions of PrivateZone. Each returns `Result`, or fails as a zone does; `detail.reason` is the code over there. */
export interface PrivateZoneApi {
  get(action: string, query: Readonly<Record<string, string>>, options?: AbortOptions): Promise<Fields>
  post(action: string, body: Fields, options?: AbortOptions): Promise<Fields>
}

export function privateZoneApi(
  { http, clock, key }: PrivateZoneApiComponents,
  init: PrivateZoneApiInit,
): PrivateZoneApi {
  const { host } = new URL(init.endpoint)

  const call = async (
    method: 'GET' | 'POST',
    { query, body }: { readonly query: Readonly<Record<string, string>>; readonly body: string },
    options: AbortOptions,
  ): Promise<Fields> => {
    const { region } = init
    const headers = signedHeaders({ method, host, query, body, region, service: SERVICE, nowMs: clock.now() }, key())
    const url = `${init.endpoint}/?${canonicalQuery(query)}`
    try {
      const sent = { method, url, headers, signal: options.signal, ...(body !== '' && { body: Buffer.from(body) }) }
      const answer = await http.request(sent)
      return resultOf(answer, await answer.json(MAX_ANSWER_BYTES).catch(orNothing))
    } catch (err) {
      if (isAbort(err) || hasCode(err, ...ZONE_CODES)) throw err
      throw appError('ZONE_UNAVAILABLE', { cause: err })
    }
  }

  return {
    get: (action, query, options = {}) =>
      call('GET', { query: { Action: action, Version: VERSION, ...query }, body: '' }, options),
    post: (action, body, options = {}) =>
      call('POST', { query: { Action: action, Version: VERSION }, body: JSON.stringify(body) }, options),
  }
}

const ZONE_CODES = ['ZONE_DENIED', 'ZONE_REFUSED', 'ZONE_THROTTLED', 'ZONE_UNAVAILABLE'] as const

/** An answer that is no JSON says enough by its status. @throws ABORTED, and what broke the connection */
const orNothing = (err: unknown): undefined => {
  if (hasCode(err, 'BODY_INVALID', 'BODY_TOO_LARGE')) return undefined
  throw err
}

/** Whether there was an error is not told by the status alone. */
function resultOf({ status }: HttpResponse, body: unknown): Fields {
  const { ResponseMetadata: meta, Result: result } = isFields(body) ? body : {}
  const { Error: error } = isFields(meta) ? meta : {}
  if (isFields(error) || status !== 200 || !isFields(body)) throw failureOf(status, isFields(error) ? error : {})
  return isFields(result) ? result : {}
}

const THROTTLED = /flow ?limit|throttl|too ?many|rate ?limit|exceed.*limit/i
const DENIED = /denied|signature|timestamp|accesskey|credential|unauthorized|token|account/i

function failureOf(status: number, { Code: code, Message: text }: Fields): AppError {
  const reason = typeof code === 'string' ? code.slice(0, MAX_MESSAGE) : undefined
  const said = typeof text === 'string' ? text.slice(0, MAX_MESSAGE) : ''
  const init = {
    detail: { status, ...(reason !== undefined && { reason }) },
    ...(reason !== undefined && { message: `PrivateZone answered ${reason}: ${said}` }),
  }
  if (status === 429 || THROTTLED.test(reason ?? '')) return appError('ZONE_THROTTLED', init)
  if (status === 401 || status === 403 || DENIED.test(reason ?? '')) return appError('ZONE_DENIED', init)
  return appError(status >= 400 && status < 500 ? 'ZONE_REFUSED' : 'ZONE_UNAVAILABLE', init)
}
