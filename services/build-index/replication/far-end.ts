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
import { type AbortOptions, appError, hasCode, inTurns, isAppError } from '../../../lib/base/index.ts'
import {
  type BlobRef,
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
import { manifestBytes, planOf } from './plan.ts'

/** Most bytes of a request body: digests of one question. */
const MAX_BODY_BYTES = 128 * 1024
/** Look-ups at the same time for one request. */
const LOOKUPS = 8
/** Parts of an image that are looked for at the same time before its tag is taken. */
const PARTS_AT_ONCE = 32

export interface FarEndComponents {
  readonly index: BuildIndex
  /** Undefined where no versions are kept: then nothing is taken from other clusters. */
  readonly tags: VersionedTags | undefined
  readonly origins: Pick<OriginCluster, 'statBlob' | 'readBlob'>
  /** What this cluster says of itself now. */
  readonly self: () => ReplicaCluster
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
    sendJson(exchange, 200, components.self())
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

const isManifest =
  ({ index }: FarEndComponents, repository: Repository, options: AbortOptions) =>
  async (digest: Digest) =>
    (await index.getManifest(repository, digest, options)) !== undefined

/** Its bytes are linked as those of blobs are: where that link was taken away they are lost, and have to be sent. */
const hasManifest = (components: FarEndComponents, repository: Repository, options: AbortOptions) => {
  const [isKnown, isLinked] = [isManifest, hasBlob].map((has) => has(components, repository, options))
  return async (digest: Digest) => (await isKnown?.(digest)) === true && (await isLinked?.(digest)) === true
}

const hasBlob =
  ({ index }: FarEndComponents, repository: Repository, options: AbortOptions) =>
  async (digest: Digest) =>
    (await index.getBlob(repository, digest, options)) !== undefined

/**
 * Whoever pulls the tag must get all of it: the bytes are those of the digests, all that the manifest and its children name
 * is linked, and its bytes stay. @throws REPLICA_INCOMPLETE, REPLICA_TOO_LARGE, MANIFEST_INVALID, DIGEST_INVALID
 */
async function requireComplete(
  components: FarEndComponents,
  repository: Repository,
  root: Descriptor,
  options: AbortOptions,
): Promise<void> {
  const { digest, mediaType, size } = root
  if (!(await isManifest(components, repository, options)(digest))) throw incomplete(digest)
  const unread = async (err: unknown): Promise<never> => {
    if (!hasCode(err, 'MANIFEST_UNKNOWN')) throw err
    const missing = (isAppError(err) && (err.detail?.['digest'] as Digest | undefined)) || digest
    return unlinked(components, { repository, digest: missing }, options)
  }
  const bytes = await manifestBytes(components.origins, repository, { digest }, options).catch(unread)
  if (bytes.length !== size || digestOf(bytes, digestAlgorithm(digest)) !== digest) {
    throw appError('DIGEST_INVALID', { detail: { expected: digest, size: bytes.length } })
  }
  checkManifest(bytes, mediaType)
  const { manifests, blobs } = await planOf(components, repository, root, options).catch(unread)
  const found = await inTurns(blobs, PARTS_AT_ONCE, (blob) => hasBlob(components, repository, options)(blob.digest))
  const missing = blobs[found.indexOf(false)]?.digest
  if (missing !== undefined) throw incomplete(missing)
  const parts = [...manifests, ...blobs].map((part) => part.digest)
  await requireStored(components, repository, parts, options)
}

/**
 * Long may have passed since the sender asked what is here, and what nobody linked by then may have gone. So it is asked
 * once more, now that all is linked: what is found stays. @throws REPLICA_INCOMPLETE
 */
async function requireStored(
  components: FarEndComponents,
  repository: Repository,
  digests: readonly Digest[],
  { signal }: AbortOptions,
): Promise<void> {
  await inTurns(digests, PARTS_AT_ONCE, async (digest) => {
    const stored = await components.origins.statBlob(repository, digest, { signal, keep: true })
    if (stored === undefined) await unlinked(components, { repository, digest }, { signal })
  })
}

/** A link without bytes goes, so that the next try sends them. @throws REPLICA_INCOMPLETE */
async function unlinked(
  { index }: FarEndComponents,
  { repository, digest }: BlobRef,
  options: AbortOptions,
): Promise<never> {
  await index.deleteBlob(repository, digest, options).catch((err: unknown) => {
    if (!hasCode(err, 'BLOB_UNKNOWN')) throw err
  })
  throw incomplete(digest)
}

const incomplete = (missing: Digest) => appError('REPLICA_INCOMPLETE', { detail: { missing } })
