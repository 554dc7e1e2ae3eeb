import {
  askedStatesSchema,
  type BuildIndex,
  type OriginCluster,
  parseBody,
  type ReplicaCluster,
  type ReplicaState,
  replicaPutSchema,
  replicaRoutes,
  tagVersionSchema,
} from '../../../lib/api/index.ts'
import { type AbortOptions, appError, hasCode, inTurns } from '../../../lib/base/index.ts'
import {
  type Descriptor,
  type Digest,
  digestAlgorithm,
  digestOf,
  parseRepository,
  parseTag,
  type Repository,
} from '../../../lib/core/index.ts'
import { type Exchange, type Route, readJson, sendJson } from '../../../lib/http/index.ts'
import { checkManifest } from '../../../lib/registry/index.ts'
import type { VersionedTags } from '../tag-records.ts'
import { manifestBytes } from './plan.ts'

/** Most bytes of a request body: digests of one question. */
const MAX_BODY_BYTES = 128 * 1024
/** Look-ups at the same time for one request. */
const LOOKUPS = 8

export interface FarEndComponents {
  readonly index: BuildIndex
  /** Undefined where no versions are kept: then nothing is taken from other clusters. */
  readonly tags: VersionedTags | undefined
  readonly origins: Pick<OriginCluster, 'statBlob' | 'readBlob'>
  readonly self: ReplicaCluster
}

/** The API by which other clusters replicate to this one. */
export function farEndRoutes(components: FarEndComponents): readonly Route[] {
  const versioned = () => {
    if (components.tags !== undefined) return components.tags
    const message = 'this cluster keeps no versions of tags: name a backend for them in replication.backend'
    throw appError('UNSUPPORTED', { message })
  }
  const param = ({ params }: Exchange, name: string) => params[name] ?? ''
  const repositoryOf = (exchange: Exchange) => parseRepository(param(exchange, 'repository'))
  const targetOf = (exchange: Exchange) => [repositoryOf(exchange), parseTag(param(exchange, 'tag'))] as const

  const describe: Route['handle'] = (exchange) => {
    versioned()
    sendJson(exchange, 200, components.self)
  }
  const states: Route['handle'] = async (exchange) => {
    const repository = repositoryOf(exchange)
    const asked = parseBody(askedStatesSchema, await readJson(exchange, MAX_BODY_BYTES))
    const stateOf =
      (isLinked: (digest: Digest) => Promise<boolean>) =>
      async (digest: Digest): Promise<ReplicaState> => {
        if (await isLinked(digest)) return 'linked'
        const { signal } = exchange
        const stored = await components.origins.statBlob(repository, digest, { signal, keep: true })
        return stored === undefined ? 'absent' : 'present'
      }
    sendJson(exchange, 200, {
      manifests: await inTurns(asked.manifests, LOOKUPS, stateOf(hasManifest(components, repository, exchange))),
      blobs: await inTurns(asked.blobs, LOOKUPS, stateOf(hasBlob(components, repository, exchange))),
    })
  }
  const get: Route['handle'] = async (exchange) => {
    const record = await versioned().read(...targetOf(exchange), exchange)
    if (record === undefined) throw appError('MANIFEST_UNKNOWN')
    const { target, version } = record
    sendJson(exchange, 200, { version, ...(target && { descriptor: target }) })
  }
  const put: Route['handle'] = async (exchange) => {
    const [repository, tag] = targetOf(exchange)
    const { descriptor, version } = parseBody(replicaPutSchema, await readJson(exchange, MAX_BODY_BYTES))
    const tags = versioned()
    await requireComplete(components, repository, descriptor, exchange)
    sendJson(exchange, 200, await tags.take(repository, tag, { target: descriptor, version }, exchange))
  }
  const remove: Route['handle'] = async (exchange) => {
    const { query } = exchange
    const sent = { atMs: Number(query.get('atMs')), cluster: query.get('cluster') ?? '' }
    const version = parseBody(tagVersionSchema, sent)
    sendJson(exchange, 200, await versioned().take(...targetOf(exchange), { target: undefined, version }, exchange))
  }

  const row = (method: Route['methods'][number], path: string, summary: string, handle: Route['handle']): Route => ({
    ...{ methods: [method], path, summary, handle },
    right: 'replicate',
  })
  return [
    row('GET', replicaRoutes.cluster, 'the name of this cluster, and its origins', describe),
    row('POST', replicaRoutes.states, 'which of these manifests and blobs are linked, present or absent', states),
    row('GET', replicaRoutes.tag, 'a tag with its version', get),
    row('PUT', replicaRoutes.tag, 'takes a tag of another cluster, unless it has a later version', put),
    row('DELETE', replicaRoutes.tag, 'takes the deletion of a tag, unless it has a later version', remove),
  ]
}

const hasManifest =
  ({ index }: FarEndComponents, repository: Repository, options: AbortOptions) =>
  async (digest: Digest) =>
    (await index.getManifest(repository, digest, options)) !== undefined

const hasBlob =
  ({ index }: FarEndComponents, repository: Repository, options: AbortOptions) =>
  async (digest: Digest) =>
    (await index.getBlob(repository, digest, options)) !== undefined

/**
 * Whoever pulls the tag must get all of it: the bytes are those of the digest, and all that the manifest names is linked.
 * @throws REPLICA_INCOMPLETE, MANIFEST_INVALID, DIGEST_INVALID
 */
async function requireComplete(
  components: FarEndComponents,
  repository: Repository,
  { digest, mediaType, size }: Descriptor,
  options: AbortOptions,
): Promise<void> {
  const incomplete = (missing: Digest, cause?: unknown) =>
    appError('REPLICA_INCOMPLETE', { detail: { missing }, cause })
  const isManifest = hasManifest(components, repository, options)
  if (!(await isManifest(digest))) throw incomplete(digest)
  const bytes = await manifestBytes(components.origins, repository, { digest }, options).catch((err: unknown) => {
    throw hasCode(err, 'MANIFEST_UNKNOWN') ? incomplete(digest, err) : err
  })
  if (bytes.length !== size || digestOf(bytes, digestAlgorithm(digest)) !== digest) {
    throw appError('DIGEST_INVALID', { detail: { expected: digest, size: bytes.length } })
  }
  const { blobs, manifests } = checkManifest(bytes, mediaType)
  const missingOf = async (children: readonly Descriptor[], isThere: (digest: Digest) => Promise<boolean>) => {
    const found = await inTurns(children, LOOKUPS, (child) => isThere(child.digest))
    return children[found.indexOf(false)]?.digest
  }
  const missing =
    (await missingOf(blobs, hasBlob(components, repository, options))) ?? (await missingOf(manifests, isManifest))
  if (missing !== undefined) throw incomplete(missing)
  await requireStored(components, repository, [digest, ...blobs.map((blob) => blob.digest)], options)
}

/**
 * Long may have passed since the sender asked what is here, and what nobody linked by then may have gone. So it is asked
 * once more, now that all is linked: what is found stays. A link without bytes goes, so that the next try sends them.
 * @throws REPLICA_INCOMPLETE
 */
async function requireStored(
  { index, origins }: FarEndComponents,
  repository: Repository,
  digests: readonly Digest[],
  { signal }: AbortOptions,
): Promise<void> {
  await inTurns(digests, LOOKUPS, async (digest) => {
    if ((await origins.statBlob(repository, digest, { signal, keep: true })) !== undefined) return
    await index.deleteBlob(repository, digest, { signal }).catch((err: unknown) => {
      if (!hasCode(err, 'BLOB_UNKNOWN')) throw err
    })
    throw appError('REPLICA_INCOMPLETE', { detail: { missing: digest } })
  })
}
