import type { BlobLinks, BuildIndex, ManifestLinks, ReferrerIndex, TagIndex } from '../../lib/api/index.ts'
import {
  contentSize,
  inEitherPlace,
  type ManifestContent,
  type Registry,
  type RegistryRepository,
} from '../../lib/backend/index.ts'
import { type AbortOptions, appError, type ByteCache, byteCache } from '../../lib/base/index.ts'
import {
  type Descriptor,
  type Digest,
  digestAlgorithm,
  digestOf,
  MANIFEST_LIMIT,
  type Repository,
  type Tag,
} from '../../lib/core/index.ts'
import { namesPage } from './names-page.ts'
import { noReferrers } from './referrer-index.ts'
import { type RegistryTags, type RegistryTagsComponents, registryTags } from './registry-tags.ts'
import { unknownTag, type VersionedTags } from './tag-records.ts'

/** Bytes of recent manifests kept in memory, because their tags are put next. */
const RECENT_BYTES = 16 * 1024 * 1024

/**
 * An index whose data is in another registry: that registry's own repositories, manifests, tags and blobs. So an image
 * pushed here is an image there, and the other way round; nothing is cached that could become stale. The origins must
 * have brought a blob into the registry before it is linked. Every method: @throws BACKEND_UNAVAILABLE,
 * BACKEND_THROTTLED, BACKEND_DENIED (an outage never reads as undefined), BACKEND_READ_ONLY, UNSUPPORTED (what the
 * registry cannot do), ABORTED
 */
export function registryIndex(
  registry: Registry,
  { versions, referrers = noReferrers }: BesideRegistry = {},
): RegistryIndex {
  const parts: Parts = { registry, recent: byteCache<Uint8Array>(RECENT_BYTES, (bytes) => bytes.length) }
  const tags = tagIndex(parts)
  const versioned = versions && registryTags({ registry: tags, ...versions })
  return {
    versioned,
    ...tags,
    ...versionedChanges(tags, versioned),
    ...manifestLinks({ ...parts, versioned }),
    ...blobLinks(parts),
    ...referrers,
    async listRepositories(options = {}) {
      const names = (await registry.names.repositories(options)).map((name) => registry.nameOf(name))
      const page = namesPage(names.filter((name) => name !== undefined).sort(), options)
      return { repositories: page.names, ...page.rest }
    },
  }
}

/** What a registry cannot keep, in a second backend. */
export interface BesideRegistry {
  /** Where the versions of the tags are kept; without that nothing is replicated. */
  readonly versions?: Omit<RegistryTagsComponents, 'registry'> | undefined
  readonly referrers?: ReferrerIndex | undefined
}

/** The index, and with a backend for versions its tags with their versions. */
export type RegistryIndex = BuildIndex & { readonly versioned: VersionedTags | undefined }

interface Parts {
  readonly registry: Registry
  /** Bytes by digest; the content of a digest never changes. */
  readonly recent: ByteCache<Uint8Array>
}

/** The tags as the registry has them, without their versions. */
function tagIndex(parts: Parts): TagIndex {
  const { registry } = parts
  return {
    async listTags(repository, options = {}) {
      const tags = await registry.names.tags(registry.repository(repository).name, options)
      if (tags === undefined) return undefined
      const page = namesPage(tags, options)
      return { tags: page.names as Tag[], ...page.rest }
    },
    getTag: (repository, tag, options) => registry.repository(repository).manifests.describe(tag, options),
    async putTag(repository, tag, { descriptor, signal }) {
      await putManifest(parts, repository, { reference: tag, descriptor, signal })
    },
    async deleteTag(repository, tag, options) {
      const removed = await registry.repository(repository).manifests.remove(tag, options)
      if (!removed) throw unknownTag(tag)
    },
  }
}

/** The changes of tags, each with a version. */
function versionedChanges(tags: TagIndex, versioned: RegistryTags | undefined): Pick<TagIndex, 'putTag' | 'deleteTag'> {
  if (versioned === undefined) return tags
  return {
    putTag: (repository, tag, { descriptor, signal }) => versioned.put(repository, tag, descriptor, { signal }),
    async deleteTag(repository, tag, options) {
      if (!(await versioned.delete(repository, tag, options))) throw unknownTag(tag)
    },
  }
}

function manifestLinks(parts: Parts & { readonly versioned: RegistryTags | undefined }): ManifestLinks {
  const manifestsOf = (repository: Repository) => parts.registry.repository(repository).manifests
  return {
    getManifest: (repository, digest, options) => manifestsOf(repository).describe(digest, options),
    putManifest: (repository, descriptor, { signal } = {}) =>
      putManifest(parts, repository, { reference: descriptor.digest, descriptor, signal }),
    async deleteManifest(repository, digest, options = {}) {
      const was = { there: false }
      const first = async (within: AbortOptions) => {
        was.there = (await manifestsOf(repository).remove(digest, within)) || was.there
      }
      // Its tags first, so that a removal that was interrupted can be repeated.
      const hadTags = (await parts.versioned?.deleteAll(repository, digest, { ...options, first })) ?? false
      if (!hadTags) await first(options)
      if (!was.there && !hadTags) throw appError('MANIFEST_UNKNOWN', { detail: { digest } })
    },
  }
}

/**
 * A blob in the registry's repository counts as linked; a blob that the origins did not bring there cannot be linked.
 */
function blobLinks({ registry }: Parts): BlobLinks {
  const sizeOf = (repository: Repository, digest: Digest, options?: AbortOptions) =>
    contentSize(registry.repository(repository), digest, options)
  return {
    async getBlob(repository, digest, options) {
      const size = await sizeOf(repository, digest, options)
      return size === undefined ? undefined : { digest, size }
    },
    async putBlob(repository, { digest }, options) {
      if ((await sizeOf(repository, digest, options)) === undefined)
        throw appError('BLOB_UNKNOWN', { detail: { digest } })
    },
    async deleteBlob(repository, digest, options) {
      if (!(await registry.repository(repository).blobs.remove(digest, options))) {
        throw appError('BLOB_UNKNOWN', { detail: { digest } })
      }
    },
  }
}

type ManifestPut = { readonly reference: Tag | Digest; readonly descriptor: Descriptor } & AbortOptions

/** Puts the pushed bytes of a manifest under its digest or under a tag. */
async function putManifest(parts: Parts, target: Repository, { reference, descriptor, signal }: ManifestPut) {
  const repository = parts.registry.repository(target)
  const bytes = parts.recent.get(descriptor.digest) ?? (await bytesOf(repository, descriptor, { signal }))
  const content: ManifestContent = { ...descriptor, bytes }
  await repository.manifests.put(reference, content, { signal })
  parts.recent.set(descriptor.digest, bytes)
}

/** The bytes of a manifest, which the origins brought as a blob, or which the registry has as a manifest. */
async function bytesOf(
  repository: RegistryRepository,
  { digest, size }: Descriptor,
  options: AbortOptions,
): Promise<Uint8Array> {
  const bytes = await inEitherPlace({
    blob: () => blobBytes(repository, digest, options),
    manifest: async () => (await repository.manifests.fetch(digest, options))?.bytes,
  })
  if (bytes === undefined) throw appError('MANIFEST_UNKNOWN', { message: missing, detail: { digest } })
  if (bytes.length === size && digestOf(bytes, digestAlgorithm(digest)) === digest) return bytes
  throw appError('BACKEND_CORRUPT', { detail: { digest, size: bytes.length, expected: size } })
}

const missing = 'the registry behind does not have the bytes of the manifest; origins must write it there first'

async function blobBytes(
  { blobs }: RegistryRepository,
  digest: Digest,
  options: AbortOptions,
): Promise<Uint8Array | undefined> {
  const blob = await blobs.open(digest, options)
  if (blob === undefined) return undefined
  if (blob.size <= MANIFEST_LIMIT) return Buffer.concat(await blob.body.toArray(options))
  blob.body.destroy()
  throw appError('BACKEND_CORRUPT', { detail: { digest, size: blob.size } })
}
