import { type Clock, countCache } from '../../../lib/base/index.ts'
import { type Digest, type Repository, repositoryText, type SwarmId } from '../../../lib/core/index.ts'

/** Repositories that are kept of one swarm; a base layer can be in very many. */
const MAX_REPOSITORIES = 8

export interface SwarmName {
  readonly digest: Digest
  /** In text form, those asked for last at the end. */
  readonly repositories: readonly string[]
}

/** What is known of a swarm beside its id: only for people, so it may be missing. */
export interface SwarmNames {
  note(swarmId: SwarmId, digest: Digest, repository: Repository | undefined): void
  of(swarmId: SwarmId): SwarmName | undefined
}

export function swarmNames(clock: Clock, { maxSwarms }: { readonly maxSwarms: number }): SwarmNames {
  const names = countCache<SwarmName>(clock, { maxEntries: maxSwarms })
  return {
    note(swarmId, digest, repository) {
      const known = names.get(swarmId)?.repositories ?? []
      const named = repository === undefined ? undefined : repositoryText(repository)
      const rest = known.filter((each) => each !== named)
      names.set(swarmId, {
        digest,
        repositories: [...rest, ...(named === undefined ? [] : [named])].slice(-MAX_REPOSITORIES),
      })
    },
    of: (swarmId) => names.get(swarmId),
  }
}
