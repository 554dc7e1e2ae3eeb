import type { TagIndex } from '../../../lib/api/index.ts'
import { appError } from '../../../lib/base/index.ts'
import type { Repository } from '../../../lib/core/index.ts'
import { emptyStorage, type RegistryStorage } from '../../../lib/registry/index.ts'
import type { Pulls } from '../pulls.ts'
import type { Identities } from './identities.ts'

/**
 * What everybody may read, whatever he shows: nothing of a guarded registry, nor of one that is not served. For callers of whom
 * nothing is asked.
 */
export interface Closed {
  storage(cluster: RegistryStorage): RegistryStorage
  pulls(pulls: Pulls): Pick<Pulls, 'find'>
  tags(index: Pick<TagIndex, 'getTag'>): Pick<TagIndex, 'getTag'>
}

export function closed({ guarded, serves }: Pick<Identities, 'guarded' | 'serves'>): Closed {
  const isClosed = ({ registry }: Repository) => guarded(registry) !== undefined || !serves(registry)
  return {
    storage(cluster) {
      const of = (repository: Repository) => (isClosed(repository) ? emptyStorage : cluster)
      return {
        ...cluster,
        blobs: { find: async (repository, ...rest) => of(repository).blobs.find(repository, ...rest) },
        manifests: {
          resolve: async (repository, ...rest) => of(repository).manifests.resolve(repository, ...rest),
          read: async (repository, ...rest) => of(repository).manifests.read(repository, ...rest),
        },
        tags: { ...cluster.tags, list: async (repository, ...rest) => of(repository).tags.list(repository, ...rest) },
        referrers: { list: async (repository, ...rest) => of(repository).referrers.list(repository, ...rest) },
      }
    },
    pulls: (pulls) => ({
      async find(blob, options) {
        if (isClosed(blob.repository)) throw appError('BLOB_UNKNOWN', { detail: { digest: blob.digest } })
        return pulls.find(blob, options)
      },
    }),
    tags: (index) => ({
      getTag: async (repository, ...rest) => (isClosed(repository) ? undefined : index.getTag(repository, ...rest)),
    }),
  }
}
