import { byteCache } from '../../lib/base/index.ts'
import { type Digest, type Repository, sameRepository } from '../../lib/core/index.ts'

/**
 * In which repositories this proxy has seen a blob. It is no proof: the blob may be deleted there, and other proxies have seen
 * other ones. So a mount still has to ask the index.
 */
export interface BlobHomes {
  /** The repository has just been found to link the blob. */
  note(repository: Repository, digest: Digest): void
  /** The repository was found not to link it any more. */
  forget(repository: Repository, digest: Digest): void
  /**
   * Of those that `admits` is true for, the latest first, at most `MAX_TRIED`. The others take no place, or what is done in a
   * repository that somebody may not see would decide what he is answered.
   */
  of(digest: Digest, admits?: (repository: Repository) => boolean): readonly Repository[]
}

/** Bytes of all that is remembered, about 20,000 blobs; those that were seen or asked for longest ago are forgotten. */
const MAX_BYTES = 8 * 1024 * 1024
/** Repositories of one blob that are remembered. */
const MAX_HOMES = 64
/** Repositories with which a mount that names none is tried: each costs a look at the index. */
const MAX_TRIED = 3
/** What the entry of a blob takes besides the names. */
const ENTRY_BYTES = 300

export function blobHomes(): BlobHomes {
  const known = byteCache<readonly Repository[]>(MAX_BYTES, sizeOf)
  const others = (repository: Repository, digest: Digest) =>
    (known.get(digest) ?? []).filter((each) => !sameRepository(each, repository))
  return {
    note(repository, digest) {
      const [latest] = known.get(digest) ?? []
      if (latest !== undefined && sameRepository(latest, repository)) return
      known.set(digest, [repository, ...others(repository, digest)].slice(0, MAX_HOMES))
    },
    forget(repository, digest) {
      const left = others(repository, digest)
      if (left.length > 0) known.set(digest, left)
      else known.delete(digest)
    },
    of: (digest, admits = () => true) => (known.get(digest) ?? []).filter(admits).slice(0, MAX_TRIED),
  }
}

function sizeOf(homes: readonly Repository[]): number {
  return homes.reduce((sum, { registry, name }) => sum + registry.length + name.length, ENTRY_BYTES)
}
