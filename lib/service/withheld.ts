import { appError, type LinearPattern, starPattern } from '../base/index.ts'
import { type BlobRef, type Digest, type Repository, repositoryText } from '../core/index.ts'
import type { WithholdRules } from './withhold-config.ts'

/** Blobs that are not given to others, by repository or by digest; the rules may be replaced while the service runs. */
export interface Withheld {
  readonly now: WithholdRules
  set(rules: WithholdRules): void
  /** A blob as a swarm knows it. */
  readonly gives: (blob: GivenBlob) => boolean
  /** False when the blob is withheld, or any repository that is known to have it. */
  givesBlob(digest: Digest): Promise<boolean>
  /** @throws PULL_BLOCKED */
  readonly check: (blob: BlobRef) => void
}

interface GivenBlob {
  readonly digest: Digest
  readonly repository?: Repository | undefined
}

export interface WithheldInit {
  readonly rules: WithholdRules
  /** What is known here of the repositories of a blob. */
  readonly repositoriesOf: (digest: Digest) => Promise<readonly Repository[]>
}

export function withheld(init: WithheldInit): Withheld {
  let now = init.rules
  let compiled = compile(now)
  const ruleFor = ({ digest, repository }: GivenBlob): string | undefined => {
    const text = repository && repositoryText(repository)
    return compiled.find(
      ({ patterns, digests }) =>
        digests.has(digest) || (text !== undefined && patterns.some((pattern) => pattern.fits(text))),
    )?.name
  }
  const gives = (blob: GivenBlob) => compiled.length === 0 || ruleFor(blob) === undefined
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
      const repositories = await init.repositoriesOf(digest)
      return gives({ digest }) && repositories.every((repository) => gives({ digest, repository }))
    },
    check(blob) {
      const rule = ruleFor(blob)
      if (rule === undefined) return
      const message = `the rule ${rule} withholds this blob`
      throw appError('PULL_BLOCKED', { message, detail: { rule } })
    },
  }
}

interface CompiledRule {
  readonly name: string
  readonly patterns: readonly LinearPattern[]
  readonly digests: ReadonlySet<Digest>
}

const compile = (rules: WithholdRules): readonly CompiledRule[] =>
  rules.map(({ name, repositories = [], digests }) => ({
    name,
    patterns: repositories.map(starPattern),
    digests: new Set(digests),
  }))
