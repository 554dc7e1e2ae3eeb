import { type AbortOptions, appError, byteCache, type Clock, singleFlight } from '../../base/index.ts'
import type { HttpClient } from '../../http/index.ts'
import { fetchToken } from './bearer-token.ts'
import type { Challenge } from './challenge.ts'
import { basicAuthorization, type Credentials } from './credentials.ts'

/** Most scopes whose tokens are kept; the least recently used one is dropped and requested again when needed. */
export const MAX_GRANTS = 1000

/** A token is renewed when this share of its life is left, so that it does not expire during a request. */
const RENEW_AT_SHARE = 0.1

export interface AuthorizerComponents {
  readonly http: HttpClient
  readonly clock: Clock
  readonly credentials: Credentials
}

export interface Refused extends AbortOptions {
  readonly challenges: readonly Challenge[]
  /** The `Authorization` header that was sent. */
  readonly sent: string | undefined
}

/** `Authorization` headers for one registry; each is kept for its scope while it is valid. */
export interface Authorizer {
  /** Undefined until the registry has asked for a login. @throws as `renewed` */
  current(scope: string, options: AbortOptions): Promise<string | undefined>
  /**
   * Call it after a 401; simultaneous callers share one login. @throws BACKEND_DENIED, BACKEND_UNAVAILABLE,
   * CONFIG_INVALID, ABORTED
   */
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
