import { starPattern } from '../base/index.ts'
import { type Repository, repositoryGlob } from '../core/index.ts'

/** What can be done in one repository. Whoever may push or delete there may pull there, too. */
export const repositoryActions = ['pull', 'push', 'delete'] as const
export type RepositoryAction = (typeof repositoryActions)[number]

/** What a rule can allow: besides, to ask for the list of repositories, which shows those that one may pull from. */
export const ruleActions = [...repositoryActions, 'catalog'] as const
export type RuleAction = (typeof ruleActions)[number]

/** Some actions in the repositories that fit one of the patterns (`*` stands for any characters). */
export interface Grant {
  readonly repositories: readonly string[]
  readonly actions: readonly RuleAction[]
}

/** A grant for some callers: `anonymous` (and so everybody), `user:NAME`, `token:NAME`, `ci:NAME`; with `*` as in patterns. */
export interface AccessRule extends Grant {
  readonly who: readonly string[]
}

/** What somebody may do in a registry, repository by repository. */
export interface Access {
  may(repository: Repository, action: RepositoryAction): boolean
  /** Whether he may ask for the list of repositories. */
  readonly mayList: boolean
}

/** Everything that one of the grants gives. */
export function accessFrom(grants: readonly Grant[]): Access {
  const parts = grants.map(({ repositories, actions }) => ({ globs: repositories.map(repositoryGlob), actions }))
  const gives = (actions: readonly RuleAction[], action: RepositoryAction) =>
    actions.includes(action) || (action === 'pull' && (actions.includes('push') || actions.includes('delete')))
  return {
    may: (repository, action) =>
      parts.some(({ globs, actions }) => gives(actions, action) && globs.some((each) => each.fits(repository))),
    mayList: grants.some(({ actions }) => actions.includes('catalog')),
  }
}

/** What the rules give to the caller of that name. What anonymous callers may, everybody may. */
export function grantsFor(rules: readonly AccessRule[], name: string): readonly Grant[] {
  return rules.filter(({ who }) => who.some((pattern) => pattern === 'anonymous' || starPattern(pattern).fits(name)))
}

/** What one of the two gives. */
export function eitherAccess(one: Access, other: Access): Access {
  return {
    may: (repository, action) => one.may(repository, action) || other.may(repository, action),
    mayList: one.mayList || other.mayList,
  }
}
