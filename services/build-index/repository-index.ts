import {
  type BlobLink,
  type BlobLinks,
  type BuildIndex,
  blobLinkSchema,
  descriptorSchema,
  type ManifestLinks,
  type PageOptions,
  parseBody,
  type TagIndex,
} from '../../lib/api/index.ts'
import type { Backend, ObjectPage } from '../../lib/backend/index.ts'
import { type AbortOptions, appError, hasCode } from '../../lib/base/index.ts'
import type { Descriptor, Digest, Repository, RepositoryName, Tag } from '../../lib/core/index.ts'
import { CATALOG_PREFIX, indexKey, tagPrefix } from './index-keys.ts'
import { type IndexRecords, type IndexRecordsComponents, indexRecords } from './index-records.ts'

/** Entries of one page: the default and the maximum. */
export const MAX_PAGE = 1000

/** Tags of a repository read at the same time, to find those that point to a manifest. */
const TAGS_AT_ONCE = 16

const parseDescriptor = (value: unknown): Descriptor => parseBody(descriptorSchema, value)
const parseBlobLink = (value: unknown): BlobLink => parseBody(blobLinkSchema, value)

/**
 * Repositories in a backend, changed by conditional writes. Any number of build-indexes may share a backend: nothing is
 * cached, so each sees what the others wrote. Every method: @throws BACKEND_UNAVAILABLE (an outage never reads as
 * undefined), BACKEND_CORRUPT, ABORTED
 */
export function repositoryIndex(components: IndexRecordsComponents): BuildIndex {
  const parts: Parts = { backend: components.backend, records: indexRecords(components) }
  return {
    ...tagIndex(parts),
    ...manifestLinks(parts),
    ...blobLinks(parts),
    async listRepositories(options = {}) {
      const page = await listBehind(parts, CATALOG_PREFIX, options)
      return { repositories: page.names as RepositoryName[], ...page.rest }
    },
  }
}

interface Parts extends Pick<IndexRecordsComponents, 'backend'> {
  readonly records: IndexRecords
}

function tagIndex(parts: Parts): TagIndex {
  const { records } = parts
  return {
    async listTags(repository, options = {}) {
      const page = await listBehind(parts, tagPrefix(repository), options)
      if (page.names.length === 0 && !(await isKnown(parts, repository, options))) return undefined
      return { tags: page.names as Tag[], ...page.rest }
    },
    async getTag(repository, tag, options) {
      return (await records.read(indexKey(repository, { kind: 'tag', tag }), parseDescriptor, options))?.value
    },
    async putTag(repository, tag, { descriptor, signal }) {
      await makeKnown(parts, repository, { signal })
      await records.set(indexKey(repository, { kind: 'tag', tag }), descriptor, { signal })
    },
    async deleteTag(repository, tag, options) {
      const removed = await remove(parts, indexKey(repository, { kind: 'tag', tag }), options)
      if (!removed) throw appError('MANIFEST_UNKNOWN', { message: 'there is no such tag', detail: { tag } })
    },
  }
}

function manifestLinks(parts: Parts): ManifestLinks {
  const { backend, records } = parts

  const removeTagsOf = async (repository: Repository, digest: Digest, options: AbortOptions) => {
    const doomed = { parse: parseDescriptor, test: (target: Descriptor) => target.digest === digest }
    for await (const keys of keyPages(backend, tagPrefix(repository), options)) {
      const waiting = [...keys]
      const work = async () => {
        for (let key = waiting.pop(); key !== undefined; key = waiting.pop())
          await records.removeIf(key, doomed, options)
      }
      await Promise.all(Array.from({ length: TAGS_AT_ONCE }, work))
    }
  }

  return {
    async getManifest(repository, digest, options) {
      return (await records.read(indexKey(repository, { kind: 'manifest', digest }), parseDescriptor, options))?.value
    },
    async putManifest(repository, descriptor, options = {}) {
      await makeKnown(parts, repository, options)
      await records.set(indexKey(repository, { kind: 'manifest', digest: descriptor.digest }), descriptor, options)
    },
    async deleteManifest(repository, digest, options = {}) {
      const key = indexKey(repository, { kind: 'manifest', digest })
      const unknown = () => appError('MANIFEST_UNKNOWN', { detail: { digest } })
      if ((await backend.stat(key, options)) === undefined) throw unknown()
      // Remove the link last, so that an interrupted removal can be repeated.
      await removeTagsOf(repository, digest, options)
      if (!(await remove(parts, key, options))) throw unknown()
    },
  }
}

function blobLinks(parts: Parts): BlobLinks {
  const { records } = parts
  const keyOf = (repository: Repository, digest: Digest) => indexKey(repository, { kind: 'blob', digest })
  return {
    async getBlob(repository, digest, options) {
      return (await records.read(keyOf(repository, digest), parseBlobLink, options))?.value
    },
    async putBlob(repository, { digest, size }, options) {
      await records.set(keyOf(repository, digest), { digest, size }, options)
    },
    async deleteBlob(repository, digest, options) {
      if (!(await remove(parts, keyOf(repository, digest), options)))
        throw appError('BLOB_UNKNOWN', { detail: { digest } })
    },
  }
}

/** Lists the keys behind `prefix` without the prefix; their names were valid when the keys were built. */
async function listBehind({ backend }: Parts, prefix: string, { n = MAX_PAGE, last = '', signal }: PageOptions) {
  if (n === 0) return { names: [], rest: {} }
  const page = await backend.list(prefix, { signal, after: prefix + last, limit: Math.min(n, MAX_PAGE) })
  return {
    names: page.keys.map((key) => key.slice(prefix.length)),
    rest: page.next === undefined ? {} : { next: page.next.slice(prefix.length) },
  }
}

async function* keyPages(backend: Backend, prefix: string, options: AbortOptions): AsyncGenerator<readonly string[]> {
  for (let after: string | undefined = prefix; after !== undefined; ) {
    const page: ObjectPage = await backend.list(prefix, { ...options, after })
    yield page.keys
    after = page.next
  }
}

const markOf = (repository: Repository) => indexKey(repository, { kind: 'repository' })

async function isKnown({ backend }: Parts, repository: Repository, { signal }: AbortOptions): Promise<boolean> {
  return (await backend.stat(markOf(repository), { signal })) !== undefined
}

/** Marks the repository as known, before its first entry; the mark stays when all entries are removed. */
async function makeKnown(parts: Parts, repository: Repository, { signal }: AbortOptions): Promise<void> {
  if (await isKnown(parts, repository, { signal })) return
  try {
    await parts.backend.write(markOf(repository), new Uint8Array(), { signal, size: 0, ifAbsent: true })
  } catch (err) {
    if (!hasCode(err, 'BACKEND_PRECONDITION_FAILED')) throw err
  }
}

/** Returns whether there was an object to remove. */
async function remove({ backend }: Parts, key: string, options: AbortOptions = {}): Promise<boolean> {
  if ((await backend.stat(key, options)) === undefined) return false
  await backend.delete(key, options)
  return true
}
