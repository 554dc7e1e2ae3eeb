import type { PullTerms } from '../../../lib/core/index.ts'
import type { Blobs, Manifests, Readers, RegistryStorage } from '../../../lib/registry/index.ts'
import type { Puller, PullRules } from './pull-rules.ts'

/**
 * What each caller may pull by the rules, of what `storage` gives him, and on which terms. A pull that is refused asks nothing
 * of anybody.
 */
export function ruledStorage(storage: RegistryStorage, rules: Pick<PullRules, 'admit'>): RegistryStorage {
  const { readers } = storage
  const ruled: Readers = {
    during(reader, work) {
      const ruledWork = (own: RegistryStorage) => {
        const blobs = ruledBlobs(own.blobs, rules, reader)
        return work({ ...own, blobs, manifests: ruledManifests(own.manifests, rules, reader) })
      }
      return readers === undefined ? ruledWork(storage) : readers.during(reader, ruledWork)
    },
    ping: async (...asked) => readers?.ping(...asked),
  }
  return { ...storage, readers: ruled }
}

function ruledBlobs(blobs: Blobs, { admit }: Pick<PullRules, 'admit'>, reader: Puller): Blobs {
  return {
    find: async (repository, digest, options) =>
      blobs.find(repository, digest, { ...options, terms: admit(reader, { repository, digest }) }),
  }
}

/** For one request: it reads what it has resolved, on the same terms. */
function ruledManifests(manifests: Manifests, { admit }: Pick<PullRules, 'admit'>, reader: Puller): Manifests {
  let terms: PullTerms | undefined
  return {
    async resolve(repository, reference, options) {
      const tag = reference.kind === 'tag' ? reference.tag : undefined
      const digest = reference.kind === 'digest' ? reference.digest : undefined
      terms = admit(reader, { repository, tag, digest })
      return manifests.resolve(repository, reference, { ...options, terms })
    },
    read: (repository, descriptor, options) => manifests.read(repository, descriptor, { ...options, terms }),
  }
}
