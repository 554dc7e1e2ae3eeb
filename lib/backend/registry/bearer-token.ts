import { type AbortOptions, appError, type Clock } from '../../base/index.ts'
import { type HttpClient, mayLeadTo } from '../../http/index.ts'
import { refusalOf, sendWeb, type WebAnswer, type WebRequest } from '../web/web-client.ts'
import type { Challenge } from './challenge.ts'
import { basicAuthorization, type Login } from './credentials.ts'

/** Longest answer of a token server, in bytes. */
const MAX_ANSWER_BYTES = 256 * 1024

/** Lifetime of a token in milliseconds when its server does not state one. */
const DEFAULT_LIFETIME_MS = 60_000

const CLIENT = 'shoal'

export interface BearerToken {
  readonly token: string
  /** Counted from the time of the request. */
  readonly lifetimeMs: number
}

export interface TokenRequest extends AbortOptions {
  readonly challenge: Challenge
  /** Space-separated scopes. */
  readonly scope: string
  readonly login: Login | undefined
  /** URL of the registry that sent us to the token server. */
  readonly registry: URL
}

/**
 * Gets a token from the server in a Bearer challenge: by GET, as the distribution project specifies, or by the POST of
 * OAuth 2 for identity tokens and for servers without GET.
 * @throws BACKEND_DENIED, BACKEND_UNAVAILABLE, ABORTED
 */
export async function fetchToken(
  { http, clock }: { readonly http: HttpClient; readonly clock: Clock },
  request: TokenRequest,
): Promise<BearerToken> {
  const url = realmOf(request)
  const answer = await answerTo((wanted) => sendWeb(http, wanted), url, request)
  if (answer.status !== 200) throw await refusalOf(answer, clock)
  return tokenIn((await answer.json(MAX_ANSWER_BYTES)) as object | null)
}

type Send = (request: WebRequest) => Promise<WebAnswer>

async function answerTo(send: Send, url: URL, request: TokenRequest): Promise<WebAnswer> {
  const { login, signal } = request
  if (login?.kind === 'identity')
    return send(postOf(url, request, { grant_type: 'refresh_token', refresh_token: login.token }))
  const answer = await send({
    method: 'GET',
    url: withQuery(url, request),
    ...(login !== undefined && { credentials: { authorization: basicAuthorization(login) } }),
    signal,
  })
  if (login === undefined || (answer.status !== 404 && answer.status !== 405)) return answer
  await answer.discard()
  const { username, password } = login
  return send(postOf(url, request, { grant_type: 'password', username, password }))
}

function postOf(
  url: URL,
  { challenge, scope, signal }: TokenRequest,
  grant: Readonly<Record<string, string>>,
): WebRequest {
  const service = challenge.params['service'] ?? ''
  const form = new URLSearchParams({ ...grant, service, client_id: CLIENT, scope })
  return {
    method: 'POST',
    url: url.href,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: () => Buffer.from(form.toString()),
    signal,
  }
}

function withQuery(url: URL, { challenge, scope, login }: TokenRequest): string {
  const target = new URL(url)
  const { service } = challenge.params
  if (service !== undefined) target.searchParams.set('service', service)
  for (const part of scope.split(' ').filter(Boolean)) target.searchParams.append('scope', part)
  if (login?.kind === 'password') target.searchParams.set('account', login.username)
  return target.href
}

/** None on this machine or its link, unless the registry is there. A registry over TLS that sends us to a token server without is not given our password. */
function realmOf({ challenge, login, registry }: TokenRequest): URL {
  const { realm = '' } = challenge.params
  const url = URL.canParse(realm) ? new URL(realm) : undefined
  const open = url?.protocol === 'http:' && (registry.protocol === 'http:' || login === undefined)
  const fits = url !== undefined && (url.protocol === 'https:' || open) && mayLeadTo(url, registry)
  if (fits) return url
  throw appError('BACKEND_DENIED', {
    message: 'the registry names a token server that must not get our login',
  })
}

function tokenIn(answer: object | null): BearerToken {
  const { token, access_token, expires_in: seconds } = (answer ?? {}) as Readonly<Record<string, unknown>>
  const text = typeof token === 'string' && token !== '' ? token : access_token
  if (typeof text !== 'string' || text === '') {
    throw appError('BACKEND_UNAVAILABLE', { message: 'the token server of the registry did not give a token' })
  }
  return { token: text, lifetimeMs: typeof seconds === 'number' && seconds > 0 ? seconds * 1000 : DEFAULT_LIFETIME_MS }
}
