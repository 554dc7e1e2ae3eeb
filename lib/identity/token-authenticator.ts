import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { isLoopback } from './loopback.ts'
import type { Principal, Right } from './principal.ts'

/** Finds out who is calling from the request header. Never throws; an unknown caller is anonymous. */
export type Authenticate = (req: IncomingMessage) => Principal

/** What a caller without a token may do. */
export type AnonymousRights = 'none' | 'read' | 'write' | 'admin'

export interface TokenAuthenticatorInit {
  /** The cluster token. Without a token, all callers are anonymous and get the rights in `anonymous`. */
  readonly token?: string | undefined
  /** Default: `none` with a token; `admin` without one, because then only a safe bind protects the listener. */
  readonly anonymous?: AnonymousRights | undefined
  /**
   * Gives callers from this machine every right without a token. Do not use behind a local reverse proxy. Default
   * false.
   */
  readonly trustLoopback?: boolean | undefined
}

const rightsUpTo: Readonly<Record<AnonymousRights, readonly Right[]>> = {
  none: [],
  read: ['read'],
  write: ['read', 'write'],
  admin: ['read', 'write', 'admin'],
}

const sha256 = (text: string) => createHash('sha256').update(text).digest()

/** The token of `Bearer <token>`, or the password of `Basic`, which a registry client sends after a login. */
const presentedToken = (header: string): string | undefined => {
  const [scheme = '', value = ''] = header.trim().split(/ +/, 2)
  if (scheme.toLowerCase() === 'bearer') return value
  if (scheme.toLowerCase() !== 'basic') return undefined
  const pair = Buffer.from(value, 'base64').toString('utf8')
  const colon = pair.indexOf(':')
  return colon < 0 ? undefined : pair.slice(colon + 1)
}

/**
 * Knows one shared secret, compared in constant time. The right token gives every right. A wrong token gives no right,
 * even where callers without a token have some.
 */
export function tokenAuthenticator(init: TokenAuthenticatorInit = {}): Authenticate {
  const expected = init.token === undefined ? undefined : sha256(init.token)
  const cluster: Principal = { name: 'cluster', rights: rightsUpTo.admin }
  const local: Principal = { name: 'anonymous', rights: rightsUpTo.admin }
  const anonymous: Principal = {
    name: 'anonymous',
    rights: rightsUpTo[init.anonymous ?? (expected === undefined ? 'admin' : 'none')],
  }
  const refused: Principal = { name: 'anonymous', rights: rightsUpTo.none }

  return (req) => {
    const { authorization } = req.headers
    if (authorization !== undefined && expected !== undefined) {
      const presented = presentedToken(authorization)
      return presented !== undefined && timingSafeEqual(sha256(presented), expected) ? cluster : refused
    }
    return init.trustLoopback === true && isLoopback(req.socket.remoteAddress ?? '') ? local : anonymous
  }
}
