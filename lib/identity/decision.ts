import type { Repository } from '../core/index.ts'
import type { Access, RepositoryAction } from './access.ts'
import type { Principal } from './principal.ts'

/** The same in every repository, as the rights say. */
export function accessByRights(rights: Principal['rights']): Access {
  const [read, write] = [rights.includes('read'), rights.includes('write')]
  return { may: (_, action) => (action === 'pull' ? read : write), mayList: read }
}

/** What the caller may do, whatever part of it the token gives that it shows. */
export function accessOf(principal: Principal): Access {
  return principal.access ?? accessByRights(principal.rights)
}

/** What a request wants to do: something in one repository, or to list them. */
export type Wanted = { readonly repository: Repository; readonly action: RepositoryAction } | 'catalog'

/**
 * `logIn`: nobody is known to be calling. `askAgain`: the token that was shown does not give this, another one would.
 * `denied`: he may see that it is there, and not do this. `hidden`: nothing about it may be told, not even that it is there.
 */
export type Decision = 'yes' | 'logIn' | 'askAgain' | 'denied' | 'hidden'

const gives = (access: Access, wanted: Wanted) =>
  wanted === 'catalog' ? access.mayList : access.may(wanted.repository, wanted.action)

/** Whether the caller may do this, and if not, how it is refused. What is there has no part in it. */
export function decide(principal: Principal, wanted: Wanted): Decision {
  const access = accessOf(principal)
  if (gives(access, wanted)) return principal.shown === undefined || gives(principal.shown, wanted) ? 'yes' : 'askAgain'
  if (principal.name === 'anonymous') return 'logIn'
  // Secrets are for all repositories, or for none: there is nothing to hide from one that is for none.
  if (wanted === 'catalog' || principal.access === undefined) return 'denied'
  return access.may(wanted.repository, 'pull') ? 'denied' : 'hidden'
}
