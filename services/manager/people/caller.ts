import { appError } from '../../../lib/base/index.ts'
import type { Exchange } from '../../../lib/http/index.ts'
import type { Principal } from '../../../lib/identity/index.ts'
import { covers, type Grants } from './grants.ts'

/** Who asks for something, and what he may give to others. */
export interface Caller {
  /** As in the audit: `user:NAME`, `token:NAME/TOKEN`, or the name of a secret. */
  readonly actor: string
  readonly kind: 'user' | 'token' | 'secret'
  readonly grants: Grants
  /** Of whom the session or the token is. */
  readonly user?: CallingUser
  readonly sessionId?: string
  readonly tokenId?: string
  /** When the session or the token ends. */
  readonly expiresAtMs?: number
}

export interface CallingUser {
  readonly id: string
  readonly name: string
  readonly roles: readonly string[]
  readonly hasPassword: boolean
}

const known = new WeakMap<Principal, Caller>()

/** The principal of a user or of a token. */
export function principalOf(caller: Caller): Principal {
  const principal: Principal = { name: caller.actor, rights: [], grants: caller.grants }
  known.set(principal, caller)
  return principal
}

const bySecret = ({ name, rights }: Principal): Caller => ({
  ...{ actor: name, kind: 'secret' },
  grants: rights.includes('admin')
    ? [{ resource: '*', action: '*' }]
    : rights.includes('inspect')
      ? [{ resource: '*', action: 'read' }]
      : [],
})

/** Who calls a route that has let him in. */
export const callerOf = ({ principal }: Pick<Exchange, 'principal'>): Caller =>
  known.get(principal) ?? bySecret(principal)

/** @throws USER_REQUIRED when a secret calls, which is no user */
export function callingUser(exchange: Pick<Exchange, 'principal'>): Caller & { readonly user: CallingUser } {
  const caller = callerOf(exchange)
  if (caller.user === undefined) throw appError('USER_REQUIRED')
  return { ...caller, user: caller.user }
}

/** @throws SESSION_REQUIRED when a token or a secret calls */
export function callingBrowser(
  exchange: Pick<Exchange, 'principal'>,
): Caller & { readonly user: CallingUser; readonly sessionId: string } {
  const { user, sessionId, ...caller } = callerOf(exchange)
  if (user === undefined || sessionId === undefined) throw appError('SESSION_REQUIRED')
  return { ...caller, user, sessionId }
}

/** Nobody gives more than he has, nor touches somebody who has more. @throws RIGHTS_EXCEEDED */
export function requireCovered(caller: Pick<Caller, 'grants'>, grants: Grants): void {
  if (!covers(caller.grants, grants)) throw appError('RIGHTS_EXCEEDED')
}
