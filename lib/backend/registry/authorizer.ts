import { type AbortOptions, appError, byteCache, type Clock, singleFlight } from '../../base/index.ts'
import type { HttpClient } from '../../http/index.ts'
import { fetchToken } from './bearer-token.ts'
import type { Challenge } from './challenge.ts'
import { basicAuthorization, type Credentials } from './credentials.ts'

/** Scopes whose tokens are kept; of more the least recently used are asked for again. */
export const MAX_GRANTS = 1000

/** A token is renewed when this part of its life is left, so that it does not end under way. */
const RENEW_AT_SHARE = 0.1

export interface AuthorizerComponents {
  readonly http: HttpClient
  readonly clock: Clock
  readonly credentials: Credentials
}

export interface Refused extends AbortOptions {
  readonly challenges: readonly Challenge[]
  /** The header that was sent. */
  readonly sent: string | undefined
}

/** Values of the header `Authorization` for one registry, each kept for its scope while it holds. */
export interface Authorizer {
  /** Undefined as long as the registry has not asked for any. @throws as `renewed` */
  current(scope: string, options: AbortOptions): Promise<string | undefined>
  /** After a 401; callers at once share one login. @throws BACKEND_DENIED, BACKEND_UNAVAILABLE, CONFIG_INVALID, ABORTED */
  renewed(scope: string, refused: Refused): Promise<string>
}

interface Grant {
  readonly challenge: Challenge
  readonly authorization: string
  readonly untilMs: number
}

export function authorizer(components: AuthorizerComponents, { registry }: { readonly registry: URL }): Authorizer {
  const { clock, credentials } = components
  const grants = byteCache<Grant>(MAX_GRANTS, () => 1)
  const logins = singleFlight<string, Grant>()

  const logIn = async (scope: string, challenge: Challenge, signal: AbortSignal): Promise<Grant> => {
    const login = await credentials.find({ signal })
    if (challenge.scheme === 'basic') {
      if (login?.kind !== 'password') throw denied('the registry asks for a name and a password; set them')
      return { challenge, authorization: basicAuthorization(login), untilMs: Number.POSITIVE_INFINITY }
    }
    const askedMs = clock.now()
    const wanted = challenge.params['scope'] ?? scope
    const { token, lifetimeMs } = await fetchToken(components, { challenge, scope: wanted, login, registry, signal })
    return { challenge, authorization: `Bearer ${token}`, untilMs: askedMs + lifetimeMs * (1 - RENEW_AT_SHARE) }
  }

  const granted = async (scope: string, challenge: Challenge, options: AbortOptions): Promise<string> => {
    const grant = await logins.run(scope, (signal) => logIn(scope, challenge, signal), options)
    grants.set(scope, grant)
    return grant.authorization
  }

  return {
    async current(scope, options) {
      const grant = grants.get(scope)
      if (grant === undefined || clock.now() < grant.untilMs) return grant?.authorization
      return granted(scope, grant.challenge, options)
    },
    async renewed(scope, { challenges, sent, signal }) {
      const kept = grants.get(scope)?.authorization
      if (kept !== undefined && kept !== sent) return kept
      grants.delete(scope)
      const challenge = ['bearer', 'basic'].flatMap((scheme) => challenges.filter((one) => one.scheme === scheme))[0]
      if (challenge === undefined) throw denied('the registry asks for a login of a kind that is not known here')
      return granted(scope, challenge, { signal })
    },
  }
}

function denied(message: string) {
  return appError('BACKEND_DENIED', { message })
}
