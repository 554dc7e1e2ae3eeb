import type { IncomingMessage } from 'node:http'
import { isLoopback } from './loopback.ts'
import { type AnonymousRights, anonymousRights, type Principal, secretRights } from './principal.ts'
import type { Secrets } from './secrets.ts'

/** Finds out who is calling from the request header. Never throws; an unknown caller is anonymous. */
export type Authenticate = (req: IncomingMessage) => Principal

export interface SecretAuthenticatorInit {
  /** Without secrets, all callers are anonymous and get the rights in `anonymous`. */
  readonly secrets?: Pick<Secrets, 'some' | 'accepted'> | undefined
  /** Default: `none` with a secret; `admin` without one, because then only a safe bind protects the listener. */
  readonly anonymous?: AnonymousRights | undefined
  /**
   * Gives callers from this machine every right without a secret. Do not use behind a local reverse proxy. Default
   * false.
   */
  readonly trustLoopback?: boolean | undefined
}

/** The secret in `Bearer <secret>`, or the password of `Basic`, which a registry client sends after a login. */
const presentedSecret = (header: string): string | undefined => {
  const [scheme = '', value = ''] = header.trim().split(/ +/, 2)
  if (scheme.toLowerCase() === 'bearer') return value
  if (scheme.toLowerCase() !== 'basic') return undefined
  const pair = Buffer.from(value, 'base64').toString('utf8')
  const colon = pair.indexOf(':')
  return colon < 0 ? undefined : pair.slice(colon + 1)
}

/**
 * Knows the secrets that callers may show; each gives its own rights. A wrong one gives no right, even where callers
 * without one have some.
 */
export function secretAuthenticator(init: SecretAuthenticatorInit = {}): Authenticate {
  const { some = false, accepted = [] } = init.secrets ?? {}
  const principals = new Map(accepted.map(({ name }) => [name, { name, rights: secretRights[name] }] as const))
  const local: Principal = { name: 'anonymous', rights: anonymousRights.admin }
  const anonymous: Principal = {
    name: 'anonymous',
    rights: anonymousRights[init.anonymous ?? (some ? 'none' : 'admin')],
  }
  const refused: Principal = { name: 'anonymous', rights: anonymousRights.none }
  const holder = (presented: string): Principal => {
    const found = accepted.filter(({ matches }) => matches(presented))
    return found.flatMap(({ name }) => principals.get(name) ?? [])[0] ?? refused
  }

  return (req) => {
    const { authorization } = req.headers
    if (authorization !== undefined && some) {
      const presented = presentedSecret(authorization)
      return presented === undefined ? refused : holder(presented)
    }
    return init.trustLoopback === true && isLoopback(req.socket.remoteAddress ?? '') ? local : anonymous
  }
}
