import { appError, type LinearPattern, starPattern } from '../base/index.ts'
import { type Digest, type Repository, repositoryText } from '../core/index.ts'
import type { WithholdRules } from './withhold-config.ts'

/** Repositories whose blobs are not given to others; the rules may be replaced while the service runs. */
export interface Withheld {
  readonly now: WithholdRules
  set(rules: WithholdRules): void
  readonly gives: (repository: Repository) => boolean
  /** False when any repository that is known to have the blob is withheld. */
  givesBlob(digest: Digest): Promise<boolean>
  /** @throws PULL_BLOCKED */
  readonly check: (repository: Repository) => void
}

export interface WithheldInit {
  readonly rules: WithholdRules
  /** What is known here of the repositories of a blob. */
  readonly repositoriesOf: (digest: Digest) => Promise<readonly Repository[]>
}

export function withheld(init: WithheldInit): Withheld {
  let now = init.rules
  let compiled = compile(now)
  const ruleFor = (repository: Repository): string | undefined => {
    const text = repositoryText(repository)
    return compiled.find(({ patterns }) => patterns.some((pattern) => pattern.fits(text)))?.name
  }
  const gives = (repository: Repository) => compiled.length === 0 || ruleFor(repository) === undefined
  return {
    get now() {
      return now
    },
    set(rules) {
      compiled = compile(rules)
      now = rules
    },
    gives,
    async givesBlob(digest) {
      if (compiled.length === 0) return true
      return (await init.repositoriesOf(digest)).every(gives)
    },
    check(repository) {
      const rule = ruleFor(repository)
      if (rule === undefined) return
      const message = `the rule ${rule} withholds what is in this repository`
      throw appError('PULL_BLOCKED', { message, detail: { rule } })
    },
  }
}

interface CompiledRule {
  readonly name: string
  readonly patterns: readonly LinearPattern[]
}

const compile = (rules: WithholdRules): readonly CompiledRule[] =>
  rules.map(({ name, repositories }) => ({ name, patterns: repositories.map(starPattern) }))
