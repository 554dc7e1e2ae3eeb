import { z } from 'zod'
import { type AbortOptions, type ErrorCode, hasCode } from '../base/index.ts'
import { type Descriptor, type Digest, type Repository, repositoryText, type Tag } from '../core/index.ts'
import type { HttpClient, HttpRequest } from '../http/index.ts'
import { jsonBody, sendForJson, sendForNothing } from './answer.ts'
import { list, text } from './bounded.ts'
import { path, query } from './path.ts'
import { type ReferrerIndex, referrerClient } from './referrers.ts'
import { byteCountSchema, descriptorSchema, digestSchema, repositoryNameSchema, tagSchema } from './schemas.ts'

/** Route patterns of the build-index; docs/endpoints.md has a row for each. */
export const buildIndexRoutes = {
  repositories: '/repositories',
  tags: '/repositories/:repository/tags',
  tag: '/repositories/:repository/tags/:tag',
  manifest: '/repositories/:repository/manifests/:digest',
  blob: '/repositories/:repository/blobs/:digest',
} as const

/** Names on one page of an answer. */
const MAX_NAMES = 10_000

export const repositoryPageSchema = z.object({
  repositories: list(repositoryNameSchema, MAX_NAMES),
  next: text(255).exactOptional(),
})
export const tagPageSchema = z.object({ tags: list(tagSchema, MAX_NAMES), next: text(255).exactOptional() })
/** What an index says of a manifest. */
export const linkedManifestSchema = descriptorSchema.extend({
  blobsFollow: z.boolean().exactOptional(),
  staleSinceMs: byteCountSchema.exactOptional(),
})
export const blobLinkSchema = z.object({ digest: digestSchema, size: byteCountSchema })
/** Body of the PUT that links a blob. */
export const blobSizeSchema = z.object({ size: byteCountSchema })

/** `next` is the value of `last` for the next page; absent on the last page. */
export type RepositoryPage = z.infer<typeof repositoryPageSchema>
export type TagPage = z.infer<typeof tagPageSchema>
export type BlobLink = z.infer<typeof blobLinkSchema>

/**
 * A manifest of a repository. `blobsFollow`: the index is a registry of others, which has the configs and layers that the
 * manifest names for as long as it has the manifest: nobody has to ask for each of them. `staleSinceMs`: the registry of
 * others does not answer, and this is what it said then, in milliseconds since the epoch.
 */
export type LinkedManifest = z.infer<typeof linkedManifestSchema>

export interface LinkOptions extends AbortOptions {
  /**
   * The caller takes an answer of a moment ago, when it is that there is such a link: up to `linkMemory` of the build-index
   * old. Default false: the index looks.
   */
  readonly remembered?: boolean | undefined
}

export interface PageOptions extends AbortOptions {
  /** Number of entries on one page; the server has its own default and limit. */
  readonly n?: number | undefined
  /** The page starts after this entry. */
  readonly last?: string | undefined
}

export interface RepositoryCatalog {
  /** The names of our own repositories. */
  listRepositories(options?: PageOptions): Promise<RepositoryPage>
}

export interface TagIndex {
  /** Undefined when nothing was ever pushed to the repository. */
  listTags(repository: Repository, options?: PageOptions): Promise<TagPage | undefined>
  getTag(repository: Repository, tag: Tag, options?: AbortOptions): Promise<LinkedManifest | undefined>
  /** Moves the tag; returns when that is durable. */
  putTag(repository: Repository, tag: Tag, target: { readonly descriptor: Descriptor } & AbortOptions): Promise<void>
  /** @throws MANIFEST_UNKNOWN when there is no such tag */
  deleteTag(repository: Repository, tag: Tag, options?: AbortOptions): Promise<void>
}

export interface ManifestLinks {
  getManifest(repository: Repository, digest: Digest, options?: LinkOptions): Promise<LinkedManifest | undefined>
  /** Links a manifest; returns when that is durable. */
  putManifest(repository: Repository, descriptor: Descriptor, options?: AbortOptions): Promise<void>
  /** Unlinks the manifest and removes the tags that point to it. @throws MANIFEST_UNKNOWN */
  deleteManifest(repository: Repository, digest: Digest, options?: AbortOptions): Promise<void>
}

export interface BlobLinks {
  getBlob(repository: Repository, digest: Digest, options?: LinkOptions): Promise<BlobLink | undefined>
  /**
   * Links a blob; returns when that is durable. @throws BLOB_UNKNOWN when a registry holds the index and lacks the blob
   */
  putBlob(repository: Repository, link: BlobLink, options?: AbortOptions): Promise<void>
  /** @throws BLOB_UNKNOWN */
  deleteBlob(repository: Repository, digest: Digest, options?: AbortOptions): Promise<void>
}

/**
 * Repositories: tags, manifests, blob links and referrers. Undefined always means that the index has looked and there is none.
 * When it cannot look, it throws (UNAVAILABLE, BACKEND_UNAVAILABLE, NO_HEALTHY_MEMBER, the errors of the HTTP client).
 */
export type BuildIndex = RepositoryCatalog & TagIndex & ManifestLinks & BlobLinks & ReferrerIndex

/** One build-index over HTTP; `url` is its base URL without a trailing slash. */
export function buildIndexClient(http: HttpClient, url: string): BuildIndex {
  return {
    ...tagIndex(http, url),
    ...manifestLinks(http, url),
    ...blobLinks(http, url),
    ...referrerClient(http, url),
    listRepositories({ n, last, signal } = {}) {
      const target = `${url}/repositories${query({ n, last })}`
      return sendForJson(http, { method: 'GET', url: target, signal }, { schema: repositoryPageSchema })
    },
  }
}

function tagIndex(http: HttpClient, url: string): TagIndex {
  const at = (repository: Repository, tag: string) =>
    url + path`/repositories/${repositoryText(repository)}/tags/${tag}`
  return {
    listTags(repository, { n, last, signal } = {}) {
      const target = url + path`/repositories/${repositoryText(repository)}/tags` + query({ n, last })
      return find(http, { method: 'GET', url: target, signal }, { schema: tagPageSchema, absent: 'NAME_UNKNOWN' })
    },
    getTag: (repository, tag, { signal } = {}) =>
      find(http, { method: 'GET', url: at(repository, tag), signal }, descriptorAnswer),
    putTag: (repository, tag, { descriptor, signal }) =>
      sendForNothing(http, { method: 'PUT', url: at(repository, tag), ...jsonBody(descriptor), signal }),
    deleteTag: (repository, tag, { signal } = {}) =>
      sendForNothing(http, { method: 'DELETE', url: at(repository, tag), signal }),
  }
}

function manifestLinks(http: HttpClient, url: string): ManifestLinks {
  const at = (repository: Repository, digest: Digest) =>
    url + path`/repositories/${repositoryText(repository)}/manifests/${digest}`
  return {
    getManifest: (repository, digest, { signal, remembered } = {}) =>
      find(http, { method: 'GET', url: at(repository, digest) + age(remembered), signal }, descriptorAnswer),
    putManifest(repository, descriptor, { signal } = {}) {
      const target = at(repository, descriptor.digest)
      return sendForNothing(http, { method: 'PUT', url: target, ...jsonBody(descriptor), signal })
    },
    deleteManifest: (repository, digest, { signal } = {}) =>
      sendForNothing(http, { method: 'DELETE', url: at(repository, digest), signal }),
  }
}

function blobLinks(http: HttpClient, url: string): BlobLinks {
  const at = (repository: Repository, digest: Digest) =>
    url + path`/repositories/${repositoryText(repository)}/blobs/${digest}`
  return {
    getBlob(repository, digest, { signal, remembered } = {}) {
      const request = { method: 'GET', url: at(repository, digest) + age(remembered), signal } as const
      return find(http, request, { schema: blobLinkSchema, absent: 'BLOB_UNKNOWN' })
    },
    putBlob: (repository, { digest, size }, { signal } = {}) =>
      sendForNothing(http, { method: 'PUT', url: at(repository, digest), ...jsonBody({ size }), signal }),
    deleteBlob: (repository, digest, { signal } = {}) =>
      sendForNothing(http, { method: 'DELETE', url: at(repository, digest), signal }),
  }
}

const age = (remembered = false) => query({ remembered: remembered ? 'true' : undefined })

const descriptorAnswer = { schema: linkedManifestSchema, absent: 'MANIFEST_UNKNOWN' } as const

/** A GET whose 404 is a valid answer, but only with the index's own code: any other 404 is an error. */
async function find<T>(
  http: HttpClient,
  request: HttpRequest,
  answer: { readonly schema: z.ZodType<T>; readonly absent: ErrorCode },
): Promise<T | undefined> {
  try {
    return await sendForJson(http, request, { schema: answer.schema })
  } catch (err) {
    if (hasCode(err, answer.absent, 'NAME_UNKNOWN')) return undefined
    throw err
  }
}
