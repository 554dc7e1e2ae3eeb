import { type Repository, repositoryGlob } from '../core/index.ts'
import type { BackendRules, Durability } from './config.ts'

/**
 * The durability of pushes to a repository, from its rule; `backend` without a rule, since nothing can be written then.
 */
export function durabilityOf(rules: BackendRules): (repository: Repository) => Durability {
  const choices = rules.map((rule) => ({ glob: repositoryGlob(rule.repository), durability: rule.durability }))
  return (repository) => choices.find(({ glob }) => glob.fits(repository))?.durability ?? 'backend'
}
