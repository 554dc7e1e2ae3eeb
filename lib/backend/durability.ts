import type { BackendRules, Durability } from './config.ts'
import { namespaceGlob } from './namespace-glob.ts'

/**
 * What the rule of a repository says of its pushes; `backend` where no rule fits, since nothing can be written there.
 */
export function durabilityOf(rules: BackendRules): (namespace: string) => Durability {
  const choices = rules.map(({ namespace, durability }) => ({ glob: namespaceGlob(namespace), durability }))
  return (namespace) => choices.find(({ glob }) => glob.fits(namespace))?.durability ?? 'backend'
}
