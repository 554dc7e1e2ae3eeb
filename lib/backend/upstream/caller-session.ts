import { type AppError, appError, type Clock, hasCode } from '../../base/index.ts'
import { type HttpClient, refusal } from '../../http/index.ts'
import { credentialsIn } from '../../identity/index.ts'
import { outcomeByStatus } from '../outcomes.ts'
import { fetchToken } from '../registry/bearer-token.ts'
import { type Challenge, parseChallenges } from '../registry/challenge.ts'
import type { Login } from '../registry/credentials.ts'
import type { RegistryRequest, RegistrySession } from '../registry/registry-session.ts'
import { refusalOf, sendWeb, type WebAnswer } from '../web/web-client.ts'
import { relayedChallenge } from './relayed-challenge.ts'

/** In whose name an upstream is asked. */
export type UpstreamCaller =
  /** Anonymously, with a token that anybody gets where the upstream wants one. */
  | { readonly kind: 'nobody' }
  /** With the `Authorization` that a client has sent, as it is; a name and a password are also exchanged for a token. */
  | { readonly kind: 'client'; readonly shown: string | undefined }

export interface CallerSessionInit {
  /** Base URL; `/v2/` is appended. */
  readonly url: string
  readonly caller: UpstreamCaller
}

export interface CallerSessionComponents {
  readonly http: HttpClient
  readonly clock: Clock
}

/**
 * Requests to an upstream in the name of somebody else, never with a login of ours. What is shown goes to the upstream itself
 * and to its token server, to no host of a redirect, and is not kept. `find`: @throws UNAUTHORIZED with the challenge of the
 * upstream, DENIED, also for a page for people, besides what a session throws
 */
export function callerSession({ http, clock }: CallerSessionComponents, init: CallerSessionInit): RegistrySession {
  const base = new URL(init.url.replace(/\/*$/, '/'))
  const isOurs = (url: string) => new URL(url).origin === base.origin
  const shown = init.caller.kind === 'client' ? init.caller.shown : undefined

  const send = async ({ at, scope, ...request }: RegistryRequest): Promise<WebAnswer> => {
    const url = URL.canParse(at) ? at : new URL(`v2/${at}`, base).href
    const sendAs = (authorization: string | undefined) =>
      sendWeb(http, { ...request, url, ...(authorization !== undefined && { credentials: { authorization } }) })
    const answer = await sendAs(isOurs(url) ? shown : undefined)
    if (answer.status !== 401 || !isOurs(url) || !isOurs(answer.url)) return answer
    const challenge = parseChallenges(answer.headers['www-authenticate']).find(({ scheme }) => scheme === 'bearer')
    const login = loginOf(init.caller)
    if (challenge === undefined || login === undefined) return answer
    const question = { challenge, scope, login, registry: base, signal: request.signal }
    const token = await tokenFor({ http, clock }, question).catch((err: unknown) => {
      answer.body.destroy()
      throw err
    })
    if (token === undefined) return answer
    await answer.discard()
    return sendAs(`Bearer ${token}`)
  }

  return {
    send,
    async find(request) {
      const answer = await send(request)
      const { status } = answer
      const refused = isPage(answer) ? appError('DENIED') : refusedBy(answer, base)
      if (refused !== undefined || outcomeByStatus[status]?.outcome === 'absence') {
        await answer.discard()
        if (refused !== undefined) throw refused
        return undefined
      }
      if (status >= 200 && status < 300) return answer
      throw await refusalOf(answer, clock)
    },
  }
}

/** What is exchanged for a token; undefined for what is none of a name and a password. */
function loginOf(caller: UpstreamCaller): Login | 'nobody' | undefined {
  if (caller.kind === 'nobody') return 'nobody'
  const credentials = credentialsIn(caller.shown)
  if (credentials.kind !== 'basic') return undefined
  return { kind: 'password', username: credentials.user, password: credentials.password }
}

interface TokenQuestion {
  readonly challenge: Challenge
  readonly scope: string
  readonly login: Login | 'nobody'
  readonly registry: URL
  readonly signal: AbortSignal | undefined
}

/** Undefined when the token server gives none. */
async function tokenFor(
  components: CallerSessionComponents,
  { challenge, scope, login, registry, signal }: TokenQuestion,
): Promise<string | undefined> {
  const wanted = challenge.params['scope'] ?? scope
  const who = login === 'nobody' ? undefined : login
  try {
    return (await fetchToken(components, { challenge, scope: wanted, login: who, registry, signal })).token
  } catch (err) {
    if (hasCode(err, 'BACKEND_DENIED', 'BACKEND_REFUSED')) return undefined
    throw err
  }
}

/** The error for an answer that says that the caller may not. */
export function refusedBy({ status, headers, url }: WebAnswer, base: URL): AppError | undefined {
  if (status === 403) return appError('DENIED')
  if (status === 401) {
    const fromUpstream = new URL(url).origin === base.origin
    const challenge = fromUpstream ? relayedChallenge(headers['www-authenticate'], base) : undefined
    return challenge === undefined
      ? appError('DENIED')
      : refusal(appError('UNAUTHORIZED'), { 'www-authenticate': challenge })
  }
  return undefined
}

/** What they get who have to log in first, where something else than the registry asks for it. */
function isPage({ status, headers }: WebAnswer): boolean {
  return status >= 200 && status < 300 && /^\s*(?:text\/html|application\/xhtml)/i.test(headers['content-type'] ?? '')
}
