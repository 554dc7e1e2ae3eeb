import type { Access } from './access.ts'
import type { SecretName } from './secrets.ts'

/**
 * What a caller may do. `read`: content. `announce`: take part in swarms. `write`: push. `ring`: speak as a member of the
 * services, e.g. as an origin. `replicate`: bring tags of another cluster, and what they need. `inspect`: look at a
 * service. `admin`: control it.
 */
export type Right = 'read' | 'announce' | 'write' | 'ring' | 'replicate' | 'inspect' | 'admin'

/** Something that can be done at a manager: an action on a kind of thing; `*` stands for all of them. */
export interface ManagerGrant {
  readonly resource: string
  readonly action: string
}

/** Who is calling. */
export interface Principal {
  /** `anonymous`, the name of the secret that the caller showed, or `user:NAME`, `token:NAME`, `ci:NAME`. */
  readonly name: string
  readonly rights: readonly Right[]
  /** What it may do in a registry with rules; without it, what its rights say, in every repository. */
  readonly access?: Access
  /** It showed a bearer token, which gives no more than this of what it may do. */
  readonly shown?: Access
  /** Changes when what he logs in with does: a bearer token that names another one counts no more. */
  readonly stamp?: string
  /** What a user or a token may do at a manager; rights of secrets are beside it. */
  readonly grants?: readonly ManagerGrant[]
}

/** What a caller without a secret may do. */
export type AnonymousRights = 'none' | 'read' | 'write' | 'admin'

const everything: readonly Right[] = ['read', 'announce', 'write', 'ring', 'replicate', 'inspect', 'admin']

export const anonymousRights: Readonly<Record<AnonymousRights, readonly Right[]>> = {
  none: [],
  read: ['read'],
  write: ['read', 'announce', 'write'],
  admin: everything,
}

/** The rights that each secret gives where it is accepted. */
export const secretRights: Readonly<Record<SecretName, readonly Right[]>> = {
  read: ['read'],
  push: ['read', 'write'],
  node: ['read', 'announce'],
  service: ['read', 'announce', 'write', 'ring', 'replicate'],
  peering: ['replicate'],
  adminRead: ['inspect'],
  admin: ['inspect', 'admin'],
}

/** True when the principal has the right `right`. */
export function may(principal: Principal, right: Right | 'none'): boolean {
  return right === 'none' || principal.rights.includes(right)
}
