import type { BlobLinks, BuildIndex, ManifestLinks, TagIndex } from '../../lib/api/index.ts'
import type { Backend } from '../../lib/backend/index.ts'
import { type AbortOptions, appError } from '../../lib/base/index.ts'
import type { Digest, Repository, RepositoryName } from '../../lib/core/index.ts'
import type { AnnouncedComponents } from './announced.ts'
import { type Catalog, catalog } from './catalog.ts'
import { CATALOG_PREFIX, indexKey } from './index-keys.ts'
import type { IndexRecords } from './index-records.ts'
import { pageBehind } from './key-pages.ts'
import { blobLinkRecords, manifestLinkRecords } from './link-records.ts'
import { referrerIndex } from './referrer-index.ts'
import { type TagRecords, unknownTag } from './tag-records.ts'

export interface RepositoryIndexComponents extends AnnouncedComponents {
  readonly backend: Backend
  /** In the same backend. */
  readonly records: IndexRecords
  readonly tags: TagRecords
}

/**
 * Repositories in a backend, changed by conditional writes. Any number of build-indexes may share a backend: nothing is
 * cached, so each sees what the others wrote. Every method: @throws BACKEND_UNAVAILABLE (an outage never reads as
 * undefined), BACKEND_CORRUPT, ABORTED
 */
export function repositoryIndex(components: RepositoryIndexComponents): BuildIndex {
  const parts: Parts = { ...components, catalog: catalog(components) }
  return {
    ...tagIndex(parts),
    ...manifestLinks(parts),
    ...blobLinks(parts),
    ...referrerIndex(components),
    async listRepositories(options = {}) {
      const { names, next } = await pageBehind(components.backend, CATALOG_PREFIX, options)
      return { repositories: names as RepositoryName[], ...(next !== undefined && { next }) }
    },
  }
}

type Parts = RepositoryIndexComponents & { readonly catalog: Catalog }

function tagIndex(parts: Parts): TagIndex {
  const { tags } = parts
  return {
    async listTags(repository, options = {}) {
      const page = await tags.list(repository, options)
      if (page.tags.length === 0 && !(await parts.catalog.has(repository, options))) return undefined
      return page
    },
    getTag: async (repository, tag, options) => (await tags.read(repository, tag, options))?.target,
    async putTag(repository, tag, { descriptor, signal }) {
      await tags.put(repository, tag, descriptor, { signal })
      await parts.catalog.enter(repository, { signal })
    },
    async deleteTag(repository, tag, options) {
      if (!(await tags.delete(repository, tag, options))) throw unknownTag(tag)
      await parts.catalog.leaveIfEmpty(repository, options)
    },
  }
}

function manifestLinks(parts: Parts): ManifestLinks {
  const { backend, records, tags } = parts
  const links = manifestLinkRecords(records)
  return {
    // Who asks may rely on it: by a tag, by an index that names it, or by its digest alone.
    getManifest: (repository, digest, options) =>
      links.spared(indexKey(repository, { kind: 'manifest', digest }), options),
    async putManifest(repository, descriptor, options = {}) {
      await records.set(indexKey(repository, { kind: 'manifest', digest: descriptor.digest }), descriptor, options)
      await parts.catalog.enter(repository, options)
    },
    async deleteManifest(repository, digest, options = {}) {
      const key = indexKey(repository, { kind: 'manifest', digest })
      const unknown = () => appError('MANIFEST_UNKNOWN', { detail: { digest } })
      if ((await backend.stat(key, options)) === undefined) throw unknown()
      // Remove the link last, so that an interrupted removal can be repeated.
      await tags.deleteAll(repository, digest, options)
      if (!(await remove(parts, key, options))) throw unknown()
      await parts.catalog.leaveIfEmpty(repository, options)
    },
  }
}

function blobLinks(parts: Parts): BlobLinks {
  const { records } = parts
  const links = blobLinkRecords(records)
  const keyOf = (repository: Repository, digest: Digest) => indexKey(repository, { kind: 'blob', digest })
  return {
    getBlob: (repository, digest, options) => links.spared(keyOf(repository, digest), options),
    async putBlob(repository, { digest, size }, options) {
      // Who pushes or mounts a blob has asked for its link before.
      await records.set(keyOf(repository, digest), { digest, size }, { ...options, isNew: true })
    },
    async deleteBlob(repository, digest, options) {
      if (!(await remove(parts, keyOf(repository, digest), options)))
        throw appError('BLOB_UNKNOWN', { detail: { digest } })
    },
  }
}

/** Returns whether there was an object to remove. */
async function remove({ backend }: Parts, key: string, options: AbortOptions = {}): Promise<boolean> {
  if ((await backend.stat(key, options)) === undefined) return false
  await backend.delete(key, options)
  return true
}
