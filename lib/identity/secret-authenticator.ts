import type { IncomingMessage } from 'node:http'
import { type AbortOptions, remoteAddressOf } from '../base/index.ts'
import { credentialsIn, shownText } from './credentials.ts'
import { isLoopback } from './loopback.ts'
import { type AnonymousRights, anonymousRights, type Principal, secretRights } from './principal.ts'
import type { Secrets } from './secrets.ts'

/** Where a request comes from, and what it shows. */
export type Shown = Pick<IncomingMessage, 'headers' | 'socket'>

/** Finds out who is calling from the request header. Never throws; an unknown caller is anonymous. */
export type Authenticate = (req: Shown) => Principal

/** The same with a search that takes time. @throws TOOMANYREQUESTS when too many passwords wait to be checked */
export type Identify = (req: Shown, options: AbortOptions) => Promise<Principal>

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
  /**
   * Whether callers show now what they log in with elsewhere: then who shows something that is no secret here is a caller without
   * one. Default: never.
   */
  readonly foreignLogIns?: (() => boolean) | undefined
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
  const nobody: Principal = { name: 'anonymous', rights: anonymousRights.none }
  const unknown = (): Principal => (init.foreignLogIns?.() === true ? anonymous : nobody)
  const holder = (presented: string): Principal => {
    const found = accepted.filter(({ matches }) => matches(presented))
    return found.flatMap(({ name }) => principals.get(name) ?? [])[0] ?? unknown()
  }

  return (req) => {
    const credentials = credentialsIn(req.headers.authorization)
    if (credentials.kind !== 'none' && some) {
      const presented = shownText(credentials)
      return presented === undefined ? unknown() : holder(presented)
    }
    return init.trustLoopback === true && isLoopback(remoteAddressOf(req.socket) ?? '') ? local : anonymous
  }
}
