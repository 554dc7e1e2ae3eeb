import type { RegistryGrant, RegistryUser, RegistryUserKind, RuleAction } from '../state/registry-users.ts'
import { minuteText, momentOf } from './minutes.ts'
import { wordsIn } from './words.ts'

export interface GrantFields {
  /** Patterns, with spaces or commas between them. */
  readonly repositories: string
  readonly actions: readonly RuleAction[]
}

/** What stands in the fields of the form of a user or token of registries. */
export interface RegistryUserFields {
  readonly name: string
  readonly kind: RegistryUserKind
  readonly grants: readonly GrantFields[]
  readonly everywhere: boolean
  /** Names of clusters, where it is not for all. */
  readonly clusters: readonly string[]
  readonly ends: boolean
  /** A minute in the time of the browser, where it ends. */
  readonly until: string
  readonly note: string
}

export const emptyGrant: GrantFields = { repositories: '', actions: ['pull'] }

export const emptyRegistryUser: RegistryUserFields = {
  ...{ name: '', kind: 'user', grants: [emptyGrant], everywhere: true, clusters: [], ends: false, until: '', note: '' },
}

export const fieldsOfUser = (user: RegistryUser): RegistryUserFields => ({
  ...{ name: user.name, kind: user.kind, note: user.note },
  grants: user.grants.map(({ repositories, actions }) => ({ repositories: repositories.join(' '), actions })),
  ...{ everywhere: user.clusters === undefined, clusters: user.clusters ?? [] },
  ...{ ends: user.expiresAtMs !== undefined },
  until: user.expiresAtMs === undefined ? '' : minuteText(user.expiresAtMs),
})

/** Rows that say nothing at all are left out. */
const grantsOf = ({ grants }: RegistryUserFields): readonly RegistryGrant[] =>
  grants
    .map(({ repositories, actions }) => ({ repositories: wordsIn(repositories), actions }))
    .filter(({ repositories, actions }) => repositories.length + actions.length > 0)

export type LackingOfUser = 'name' | 'grants' | 'clusters' | 'until'

/** What is missing, by the field that lacks it. */
export function lackOfUser(fields: RegistryUserFields): LackingOfUser | undefined {
  if (fields.name.trim() === '') return 'name'
  const grants = grantsOf(fields)
  if (grants.some(({ repositories, actions }) => repositories.length === 0 || actions.length === 0)) return 'grants'
  if (!fields.everywhere && fields.clusters.length === 0) return 'clusters'
  return fields.ends && momentOf(fields.until) === undefined ? 'until' : undefined
}

const endOf = ({ ends, until }: RegistryUserFields) => (ends ? momentOf(until) : undefined)

/** What makes the user that the fields say. */
export function newUserOf(fields: RegistryUserFields) {
  const [end, note] = [endOf(fields), fields.note.trim()]
  return {
    ...{ name: fields.name.trim(), kind: fields.kind, grants: grantsOf(fields) },
    ...(!fields.everywhere && { clusters: fields.clusters }),
    ...(end !== undefined && { expiresAtMs: end }),
    ...(note !== '' && { note }),
  }
}

const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b)

/** What the fields change of a user; what they leave as it was is left out, so nothing is rounded or undone by the way. */
export function changesOf(user: RegistryUser, fields: RegistryUserFields) {
  const before = fieldsOfUser(user)
  const grants = grantsOf(fields)
  const movedClusters = !same([fields.everywhere, fields.clusters], [before.everywhere, before.clusters])
  const movedEnd = !same([fields.ends, fields.until], [before.ends, before.until])
  return {
    ...(!same(grants, grantsOf(before)) && { grants }),
    ...(movedClusters && { clusters: fields.everywhere ? null : fields.clusters }),
    ...(movedEnd && { expiresAtMs: endOf(fields) ?? null }),
    ...(fields.note.trim() !== user.note && { note: fields.note.trim() }),
  }
}

export type RegistryUserStanding = 'active' | 'disabled' | 'over'

/** Whether proxies let it in. */
export function standingOf({ disabled, expiresAtMs }: RegistryUser, nowMs: number): RegistryUserStanding {
  if (disabled) return 'disabled'
  return expiresAtMs !== undefined && expiresAtMs <= nowMs ? 'over' : 'active'
}
