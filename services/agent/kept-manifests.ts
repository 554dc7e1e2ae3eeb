import { type Descriptor, type Digest, type Repository, repositoryText } from '../../lib/core/index.ts'
import type { BlobReader, Sidecars } from '../../lib/store/index.ts'

/** Repositories that are remembered for one manifest; the one that was read longest ago goes first. */
const MAX_REPOSITORIES = 64

/** Pairs of a repository's text form and a media type; only this file writes them. */
type Types = readonly (readonly [repository: string, mediaType: string])[]

/**
 * What this agent knows of the manifests that it holds, kept beside each blob, so that a pull by digest is answered
 * from the cache when everything else is down. The type is that of a repository: the same bytes may have been pushed
 * elsewhere as something else.
 */
export interface KeptManifests {
  /** Undefined when the repository was never read from here. */
  find(repository: Repository, digest: Digest): Promise<Descriptor | undefined>
  /** Does nothing for a blob that is not in the store. */
  keep(repository: Repository, descriptor: Descriptor): Promise<void>
}

interface KeptManifestsStore extends Sidecars, Pick<BlobReader, 'stat'> {}

export function keptManifests(store: KeptManifestsStore): KeptManifests {
  const typesOf = async (digest: Digest): Promise<ReadonlyMap<string, string>> => {
    const bytes = await store.sidecar(digest, 'descriptor')
    if (bytes === undefined) return new Map()
    // An older agent wrote one descriptor for all repositories, which says nothing about any of them.
    const { types } = JSON.parse(Buffer.from(bytes).toString('utf8')) as { readonly types?: Types }
    return new Map(types ?? [])
  }
  return {
    async find(repository, digest) {
      const mediaType = (await typesOf(digest)).get(repositoryText(repository))
      const stored = mediaType === undefined ? undefined : await store.stat(digest)
      return mediaType === undefined || stored === undefined ? undefined : { digest, mediaType, size: stored.size }
    },
    async keep(repository, { digest, mediaType }) {
      if ((await store.stat(digest)) === undefined) return
      const known = await typesOf(digest)
      const text = repositoryText(repository)
      if (known.get(text) === mediaType) return
      const others = [...known].filter(([name]) => name !== text).slice(1 - MAX_REPOSITORIES)
      const types: Types = [...others, [text, mediaType]]
      await store.putSidecar(digest, 'descriptor', Buffer.from(JSON.stringify({ types })))
    },
  }
}
