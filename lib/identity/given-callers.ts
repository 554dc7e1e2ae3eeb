import type { Clock } from '../base/index.ts'
import type { Grant } from './access.ts'
import { type Credentials, shownText } from './credentials.ts'
import { TOKEN_PREFIX, tokenHash } from './token-file.ts'

/** Somebody whom a manager has made for a registry: who shows the random text that was made for him. Here is only its hash. */
export interface GivenCaller {
  /** `user`: it is the password of that name. `token`: it is a named token, whatever name stands before it. */
  readonly kind: 'user' | 'token'
  readonly name: string
  /** Of the whole text, in hex. It is random, so nothing slower is needed. */
  readonly sha256: string
  readonly disabled: boolean
  /** Milliseconds since the epoch; absent: it does not end. */
  readonly expiresAtMs?: number | undefined
  readonly grants: readonly Grant[]
}

/** What a given caller may do now. */
export interface GivenRights {
  readonly grants: readonly Grant[]
  /** Another one after each change of what he shows: a bearer token that was given before counts no more. */
  readonly stamp: string
}

/** Callers whom a manager has given. Their names, `user:NAME` and `token:NAME`, are those of files, too, and come before them. */
export interface GivenCallers {
  /** Whose text that is; undefined for a wrong one, and for who is disabled or over. */
  nameOf(credentials: Credentials): string | undefined
  /** Whether the manager has somebody of that name, also one who is disabled: then no file has him. */
  holds(name: string): boolean
  /** Undefined for who is not there, is disabled, or is over. */
  rightsOf(name: string): GivenRights | undefined
}

const keyOf = ({ kind, name }: Pick<GivenCaller, 'kind' | 'name'>) => `${kind}:${name}`

export function givenCallers(clock: Pick<Clock, 'now'>, callers: readonly GivenCaller[]): GivenCallers {
  const byName = new Map(callers.map((caller) => [keyOf(caller), caller]))
  const byHash = new Map(callers.map((caller) => [caller.sha256, caller]))
  const isInForce = ({ disabled, expiresAtMs = Number.POSITIVE_INFINITY }: GivenCaller) =>
    !disabled && clock.now() < expiresAtMs
  return {
    nameOf(credentials) {
      const text = shownText(credentials)
      if (text?.startsWith(TOKEN_PREFIX) !== true) return undefined
      // The hash of a guess says nothing about the hashes that it is compared with.
      const found = byHash.get(tokenHash(text))
      if (found === undefined || !isInForce(found)) return undefined
      const isHis = found.kind === 'token' || (credentials.kind === 'basic' && credentials.user === found.name)
      return isHis ? keyOf(found) : undefined
    },
    holds: (name) => byName.has(name),
    rightsOf(name) {
      const found = byName.get(name)
      if (found === undefined || !isInForce(found)) return undefined
      return { grants: found.grants, stamp: tokenHash(found.sha256).slice(0, 16) }
    },
  }
}
