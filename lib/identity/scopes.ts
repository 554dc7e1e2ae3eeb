import { isAppError } from '../base/index.ts'
import { ownRepository, parseRepositoryName, type Repository } from '../core/index.ts'
import { type Access, type RepositoryAction, repositoryActions } from './access.ts'

/** One entry of the claim `access`, as the token specification of distribution has it. */
export interface AccessEntry {
  readonly type: string
  readonly name: string
  readonly actions: readonly string[]
}

/** Scopes of one request that are looked at; clients send one or two. */
const MAX_SCOPES = 32

/**
 * Of what the scopes ask for (`repository:team/app:pull,push`, `registry:catalog:*`), what the caller may. A scope that asks
 * for nothing that is known here gives nothing, which is no error.
 */
export function grantedOf(scopes: readonly string[], access: Access): readonly AccessEntry[] {
  return scopes
    .flatMap((scope) => scope.split(' '))
    .slice(0, MAX_SCOPES)
    .flatMap((scope) => entryOf(scope, access) ?? [])
}

function entryOf(scope: string, access: Access): AccessEntry | undefined {
  const [first, last] = [scope.indexOf(':'), scope.lastIndexOf(':')]
  if (first < 0 || last <= first) return undefined
  const type = scope.slice(0, first).replace(/\(.*\)$/, '')
  const name = scope.slice(first + 1, last)
  const asked = scope.slice(last + 1).split(',')
  if (type === 'registry' && name === 'catalog') return access.mayList ? { type, name, actions: ['*'] } : undefined
  const repository = type === 'repository' ? repositoryOf(name) : undefined
  if (repository === undefined) return undefined
  const actions = repositoryActions.filter(
    (action) => (asked.includes(action) || asked.includes('*')) && access.may(repository, action),
  )
  return actions.length === 0 ? undefined : { type, name, actions }
}

/** What a token with these entries gives. */
export function accessOfEntries(entries: readonly AccessEntry[]): Access {
  const given = new Map<string, Set<string>>()
  for (const { type, name, actions } of entries) {
    if (type !== 'repository') continue
    const had = given.get(name) ?? new Set()
    given.set(name, new Set([...had, ...actions]))
  }
  const has = (name: string, action: RepositoryAction) => given.get(name)?.has(action) === true
  return {
    may: ({ name }, action) => has(name, action) || (action === 'pull' && (has(name, 'push') || has(name, 'delete'))),
    mayList: entries.some(({ type, name }) => type === 'registry' && name === 'catalog'),
  }
}

function repositoryOf(name: string): Repository | undefined {
  try {
    return ownRepository(parseRepositoryName(name))
  } catch (err) {
    if (isAppError(err)) return undefined
    throw err
  }
}
