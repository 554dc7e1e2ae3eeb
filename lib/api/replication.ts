import { z } from 'zod'
import { type AbortOptions, hasCode } from '../base/index.ts'
import { type Cluster, tryEach } from '../cluster/index.ts'
import { type Descriptor, type Digest, type Repository, repositoryText, type Tag } from '../core/index.ts'
import type { HttpClient } from '../http/index.ts'
import { jsonBody, sendForJson } from './answer.ts'
import { list, text } from './bounded.ts'
import { path, query } from './path.ts'
import { descriptorSchema, digestSchema } from './schemas.ts'

/** Routes by which another cluster replicates to this one; docs/endpoints.md has a row for each. */
export const replicaRoutes = {
  cluster: '/replicas',
  states: '/replicas/:repository/states',
  tag: '/replicas/:repository/tags/:tag',
} as const

/** Digests of each kind in one question about states. */
export const MAX_ASKED = 200
const MAX_ORIGINS = 10_000
/** For questions that a build-index can answer only when it has asked its origins, and these their backend. */
const ASK_MS = 120_000

/** The name of a cluster; it decides between two versions of the same millisecond. */
export const clusterNameSchema = text(63).regex(/^[a-z0-9][a-z0-9.-]*$/, 'lower-case letters, digits, "." and "-"')

/** When a tag was set or deleted, and the cluster where that was done. */
export const tagVersionSchema = z.object({
  /** Milliseconds since the epoch, and more than those of the version before. */
  atMs: z.number().int().min(0).max(8.64e15),
  /** Empty for tags of a time before versions. */
  cluster: z.union([z.literal(''), clusterNameSchema]),
})
export type TagVersion = z.infer<typeof tagVersionSchema>

export const replicaClusterSchema = z.object({
  cluster: clusterNameSchema,
  /** Where another cluster sends blobs to. */
  origins: list(z.object({ id: text(128), url: text(2048) }), MAX_ORIGINS),
})
export type ReplicaCluster = z.infer<typeof replicaClusterSchema>

/**
 * `linked`: the repository has it. `present`: the cluster has its bytes, so that a link is enough. `absent`: the bytes
 * must be sent.
 */
const stateSchema = z.enum(['linked', 'present', 'absent'])
export type ReplicaState = z.infer<typeof stateSchema>

export const askedStatesSchema = z.object({
  manifests: list(digestSchema, MAX_ASKED),
  blobs: list(digestSchema, MAX_ASKED),
})
export const replicaStatesSchema = z.object({
  manifests: list(stateSchema, MAX_ASKED),
  blobs: list(stateSchema, MAX_ASKED),
})
/** In the order of the question. */
export type ReplicaStates = z.infer<typeof replicaStatesSchema>

export const replicaTagSchema = z.object({ descriptor: descriptorSchema.exactOptional(), version: tagVersionSchema })
/** A tag, or without a descriptor a tag that was deleted. */
export interface ReplicaTag {
  readonly descriptor?: Descriptor
  readonly version: TagVersion
}

export const replicaPutSchema = z.object({ descriptor: descriptorSchema, version: tagVersionSchema })

/**
 * `taken`: the tag is now as it was sent. `same`: it had this version already. `older`: it has the later version that
 * is in the answer.
 */
export const replicaOutcomeSchema = z.object({
  outcome: z.enum(['taken', 'same', 'older']),
  version: tagVersionSchema,
})
export type ReplicaOutcome = z.infer<typeof replicaOutcomeSchema>

/**
 * What a cluster does for another one that replicates to it. Every method: @throws NO_HEALTHY_MEMBER when no
 * build-index answers, ABORTED, and what a build-index answers: UNSUPPORTED when it keeps no versions of tags
 */
export interface Replicas {
  describe(options?: AbortOptions): Promise<ReplicaCluster>
  /** What of these is there; at most `MAX_ASKED` of each kind. */
  states(
    repository: Repository,
    asked: { readonly manifests: readonly Digest[]; readonly blobs: readonly Digest[] } & AbortOptions,
  ): Promise<ReplicaStates>
  /** Undefined when there is none, and none was deleted lately. */
  getTag(repository: Repository, tag: Tag, options?: AbortOptions): Promise<ReplicaTag | undefined>
  /**
   * Sets the tag unless it has a later version. @throws REPLICA_INCOMPLETE when the repository there lacks a blob or a
   * manifest that the manifest names
   */
  putTag(repository: Repository, tag: Tag, sent: Required<ReplicaTag> & AbortOptions): Promise<ReplicaOutcome>
  /** Deletes the tag unless it has a later version. */
  deleteTag(
    repository: Repository,
    tag: Tag,
    sent: { readonly version: TagVersion } & AbortOptions,
  ): Promise<ReplicaOutcome>
}

export interface ReplicasComponents {
  readonly http: HttpClient
  /** The build-indexes of the other cluster. */
  readonly cluster: Cluster
}

/** The build-indexes of another cluster as one. */
export function replicasOf({ http, cluster }: ReplicasComponents): Replicas {
  const on = <T>(key: string, signal: AbortSignal | undefined, call: (url: string) => Promise<T>) =>
    tryEach(cluster, key, ({ url }) => call(url), { signal })
  const under = (repository: Repository) => path`/replicas/${repositoryText(repository)}`
  const tagAt = (repository: Repository, tag: Tag) => under(repository) + path`/tags/${tag}`

  return {
    describe: ({ signal } = {}) =>
      on('', signal, (url) =>
        sendForJson(http, { method: 'GET', url: `${url}/replicas`, signal }, { schema: replicaClusterSchema }),
      ),
    states: (repository, { manifests, blobs, signal }) =>
      on(repositoryText(repository), signal, (url) =>
        sendForJson(
          http,
          {
            ...{ method: 'POST', url: `${url}${under(repository)}/states`, signal, headersTimeoutMs: ASK_MS },
            ...jsonBody({ manifests, blobs }),
          },
          { schema: replicaStatesSchema },
        ),
      ),
    getTag: (repository, tag, { signal } = {}) =>
      on(repositoryText(repository), signal, async (url) => {
        try {
          const request = { method: 'GET', url: url + tagAt(repository, tag), signal } as const
          return await sendForJson(http, request, { schema: replicaTagSchema })
        } catch (err) {
          if (hasCode(err, 'MANIFEST_UNKNOWN')) return undefined
          throw err
        }
      }),
    putTag: (repository, tag, { descriptor, version, signal }) =>
      on(repositoryText(repository), signal, (url) =>
        sendForJson(
          http,
          {
            ...{ method: 'PUT', url: url + tagAt(repository, tag), signal, headersTimeoutMs: ASK_MS },
            ...jsonBody({ descriptor, version }),
          },
          { schema: replicaOutcomeSchema },
        ),
      ),
    deleteTag: (repository, tag, { version, signal }) =>
      on(repositoryText(repository), signal, (url) => {
        const target = url + tagAt(repository, tag) + query({ ...version })
        return sendForJson(http, { method: 'DELETE', url: target, signal }, { schema: replicaOutcomeSchema })
      }),
  }
}
