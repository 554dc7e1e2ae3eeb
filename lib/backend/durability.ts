import type { BackendRules, Durability } from './config.ts'
import { globOf } from './glob.ts'

/** What the rule of a repository says of its pushes; `store` where no rule fits, since nothing can be written there. */
export function durabilityOf(rules: BackendRules): (namespace: string) => Durability {
  const choices = rules.map(({ namespace, durability }) => ({ fits: globOf(namespace), durability }))
  return (namespace) => choices.find(({ fits }) => fits.test(namespace))?.durability ?? 'store'
}
