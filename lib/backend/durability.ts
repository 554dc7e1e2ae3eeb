import type { Repository } from '../core/index.ts'
import type { BackendRules, Durability } from './config.ts'
import { repositoryGlob } from './repository-glob.ts'

/**
 * What the rule of a repository says of its pushes; `backend` where no rule fits, since nothing can be written there.
 */
export function durabilityOf(rules: BackendRules): (repository: Repository) => Durability {
  const choices = rules.map((rule) => ({ glob: repositoryGlob(rule.repository), durability: rule.durability }))
  return (repository) => choices.find(({ glob }) => glob.fits(repository))?.durability ?? 'backend'
}
