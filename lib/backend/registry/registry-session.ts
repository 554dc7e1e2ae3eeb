import type { AbortOptions, Clock } from '../../base/index.ts'
import type { HttpClient } from '../../http/index.ts'
import { outcomeByStatus } from '../outcomes.ts'
import { refusalOf, sendWeb, type WebAnswer, type WebRequest } from '../web/web-client.ts'
import { type Authorizer, authorizer } from './authorizer.ts'
import { parseChallenges } from './challenge.ts'
import type { Credentials } from './credentials.ts'

/** What a request may do, in the words of the token servers. */
export const scopes = {
  pull: (repository: string) => `repository:${repository}:pull`,
  push: (repository: string) => `repository:${repository}:pull,push`,
  delete: (repository: string) => `repository:${repository}:delete`,
  catalog: 'registry:catalog:*',
  none: '',
} as const

export interface RegistryRequest extends Omit<WebRequest, 'url' | 'credentials'>, AbortOptions {
  /** Below `/v2/`, or absolute, as the registry gave it. */
  readonly at: string
  readonly scope: string
}

/** Requests to one registry, with whatever login it asks for. */
export interface RegistrySession {
  /** Any status but the 401 that a login can mend is an answer. @throws BACKEND_DENIED, BACKEND_UNAVAILABLE, ABORTED */
  send(request: RegistryRequest): Promise<WebAnswer>
  /**
   * As `send`; undefined for 404 and 410. @throws BACKEND_READ_ONLY and the others of `backendError` for any refusal but that
   */
  find(request: RegistryRequest): Promise<WebAnswer | undefined>
}

export interface RegistrySessionInit {
  /** Base URL; `/v2/` follows. */
  readonly url: string
  readonly credentials: Credentials
}

export interface RegistrySessionComponents {
  readonly http: HttpClient
  readonly clock: Clock
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
    const sent = isOurs(url) ? await auth.current(scope, { signal }) : undefined
    const answer = await sendAs(sent)
    if (answer.status !== 401 || !isOurs(url) || !isOurs(answer.url)) return answer
    const challenges = parseChallenges(answer.headers['www-authenticate'])
    await answer.discard()
    return sendAs(await auth.renewed(scope, { challenges, sent, signal }))
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
