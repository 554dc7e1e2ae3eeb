import type { AbortOptions, Clock } from '../../base/index.ts'
import type { HttpClient } from '../../http/index.ts'
import { outcomeByStatus } from '../outcomes.ts'
import { refusalOf, sendWeb, type WebAnswer, type WebRequest } from '../web/web-client.ts'
import { type Authorizer, authorizer } from './authorizer.ts'
import { parseChallenges } from './challenge.ts'
import type { Credentials } from './credentials.ts'

/** The actions of a token scope, as token servers name them. */
export const scopes = {
  pull: (repository: string) => `repository:${repository}:pull`,
  push: (repository: string) => `repository:${repository}:pull,push`,
  delete: (repository: string) => `repository:${repository}:delete`,
  catalog: 'registry:catalog:*',
  none: '',
} as const

export interface RegistryRequest extends Omit<WebRequest, 'url' | 'credentials'>, AbortOptions {
  /** Path below `/v2/`, or an absolute URL that the registry gave. */
  readonly at: string
  readonly scope: string
}

/** Requests to one registry, with whatever login it requires. */
export interface RegistrySession {
  /**
   * Any status is an answer, except a 401 that a login can solve. @throws BACKEND_DENIED, BACKEND_UNAVAILABLE, ABORTED
   */
  send(request: RegistryRequest): Promise<WebAnswer>
  /**
   * Like `send`, but undefined for 404 and 410. @throws BACKEND_READ_ONLY and the other codes of `backendError` for any
   * other refusal
   */
  find(request: RegistryRequest): Promise<WebAnswer | undefined>
}

export interface RegistrySessionInit {
  /** Base URL; `/v2/` is appended. */
  readonly url: string
  readonly credentials: Credentials
}

export interface RegistrySessionComponents {
  readonly http: HttpClient
  readonly clock: Clock
  /** Sees each answer of the registry. */
  readonly onAnswer?: ((answer: Pick<WebAnswer, 'headers'>) => void) | undefined
}

export function registrySession(components: RegistrySessionComponents, init: RegistrySessionInit): RegistrySession {
  const base = new URL(init.url.replace(/\/*$/, '/'))
  const auth: Authorizer = authorizer({ ...components, credentials: init.credentials }, { registry: base })
  const isOurs = (url: string) => new URL(url).origin === base.origin

  const send = async ({ at, scope, ...request }: RegistryRequest): Promise<WebAnswer> => {
    const url = URL.canParse(at) ? at : new URL(`v2/${at}`, base).href
    const sendAs = (authorization: string | undefined) =>
      sendWeb(components.http, {
        ...request,
        url,
        ...(authorization !== undefined && { credentials: { authorization } }),
      })

    const { signal } = request
    const { onAnswer = () => undefined } = components
    const sent = isOurs(url) ? await auth.current(scope, { signal }) : undefined
    const answer = await sendAs(sent)
    onAnswer(answer)
    if (answer.status !== 401 || !isOurs(url) || !isOurs(answer.url)) return answer
    const challenges = parseChallenges(answer.headers['www-authenticate'])
    await answer.discard()
    const renewed = await sendAs(await auth.renewed(scope, { challenges, sent, signal }))
    onAnswer(renewed)
    return renewed
  }

  return {
    send,
    async find(request) {
      const answer = await send(request)
      if (answer.status >= 200 && answer.status < 300) return answer
      if (outcomeByStatus[answer.status]?.outcome !== 'absence') throw await refusalOf(answer, components.clock)
      await answer.discard()
      return undefined
    },
  }
}
