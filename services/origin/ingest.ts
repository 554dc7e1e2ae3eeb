import type { Readable } from 'node:stream'
import type { Backends } from '../../lib/backend/index.ts'
import {
  type AbortOptions,
  abortable,
  appError,
  hasCode,
  isAbort,
  type SingleFlight,
  singleFlight,
  throwIfAborted,
} from '../../lib/base/index.ts'
import { type Cluster, type Member, reportFailure } from '../../lib/cluster/index.ts'
import { type Digest, digestAlgorithm } from '../../lib/core/index.ts'
import type { BlobStore, StoredBlob } from '../../lib/store/index.ts'
import type { BlobRef } from '../../lib/swarm/index.ts'
import type { Logger } from '../../lib/telemetry/index.ts'
import { blobKey } from './blob-keys.ts'
import type { Refusals } from './refusals.ts'
import type { Siblings } from './siblings.ts'

export interface IngestComponents {
  readonly store: BlobStore
  readonly backends: Pick<Backends, 'backendFor'>
  readonly cluster: Cluster
  readonly siblings: Siblings
  readonly refusals: Refusals
  readonly logger: Logger
  /** Payload bytes that came in, by where from. */
  readonly onReceived: (from: 'store' | 'origin', bytes: number) => void
  /** A blob has become complete here. */
  readonly onStored: (blob: BlobRef, stored: StoredBlob) => void
}

export interface IngestOptions extends AbortOptions {
  /** The request came from another origin: read the store or refuse, never ask a sibling. */
  readonly hop: boolean
}

/**
 * Brings blobs that this origin lacks. The first healthy owner on the ring reads the backend, the others read it from
 * that one, and each origin has at most one read under way for a blob: so a byte leaves the backend once per cluster
 * while the health views agree. Views that differ cannot deadlock, because a request with the hop mark never asks on.
 */
export interface Ingest {
  /** Size in bytes, without fetching. @throws BLOB_UNKNOWN, BACKEND_UNAVAILABLE */
  size(blob: BlobRef, options?: AbortOptions): Promise<number>
  /** @throws BLOB_UNKNOWN, DIGEST_REFUSED, NOT_OWNER, BACKEND_CORRUPT, BACKEND_UNAVAILABLE, STORE_FULL */
  ensure(blob: BlobRef, options: IngestOptions): Promise<StoredBlob>
}

async function* counted(body: AsyncIterable<Uint8Array>, count: (bytes: number) => void): AsyncIterable<Uint8Array> {
  for await (const chunk of body) {
    count(chunk.byteLength)
    yield chunk
  }
}

const unknown = (blob: BlobRef) => appError('BLOB_UNKNOWN', { detail: { digest: blob.digest } })

interface Arrival {
  readonly blob: BlobRef
  readonly from: 'store' | 'origin'
  readonly body: Readable
}

/** Takes a blob into the local store. @throws BACKEND_CORRUPT when it is something else; nothing of it stays then */
async function receive(components: IngestComponents, { blob, from, body }: Arrival, signal: AbortSignal) {
  const upload = await components.store.createUpload()
  try {
    await upload.append(
      counted(body, (bytes) => components.onReceived(from, bytes)),
      { offset: 0, signal },
    )
    if ((await upload.digest(digestAlgorithm(blob.digest))) !== blob.digest) {
      throw appError('BACKEND_CORRUPT', { detail: { digest: blob.digest, from, size: upload.size } })
    }
    const stored = await upload.commit(blob.digest)
    components.onStored(blob, stored)
    return stored
  } catch (err) {
    await upload.abort()
    throw err
  } finally {
    body.destroy()
  }
}

/** Reads the backend, whose wrong content is refused for a while. */
async function readBackend(components: IngestComponents, blob: BlobRef, signal: AbortSignal): Promise<StoredBlob> {
  const { backends, refusals } = components
  const object = await backends.backendFor(blob.namespace).read(blobKey(blob.digest), { signal })
  if (object === undefined) throw unknown(blob)
  try {
    const stored = await receive(components, { blob, from: 'store', body: object.body }, signal)
    refusals.clear(blob.digest)
    return stored
  } catch (err) {
    if (hasCode(err, 'BACKEND_CORRUPT')) refusals.add(blob.digest)
    throw err
  }
}

/** Reads a sibling; undefined when it cannot give the blob and the next one should be asked. */
async function readSibling(
  components: IngestComponents,
  member: Member,
  blob: BlobRef,
  signal: AbortSignal,
): Promise<StoredBlob | undefined> {
  const { siblings, cluster, logger } = components
  const giveUp = (err: unknown) => {
    reportFailure(cluster, member, err)
    logger.info('failed to read a blob from its owner, trying the next', { member: member.id, err })
  }
  throwIfAborted(signal)
  let body: Readable
  try {
    body = (await siblings.read(member, blob, { signal })).body
  } catch (err) {
    // Its full disk is its own; that it does not know the blob, or refuses it, holds for everybody.
    if (isAbort(err) || hasCode(err, 'BLOB_UNKNOWN', 'DIGEST_REFUSED')) throw err
    giveUp(err)
    return undefined
  }
  try {
    const stored = await receive(components, { blob, from: 'origin', body }, signal)
    cluster.report(member.id, 'ok')
    return stored
  } catch (err) {
    if (isAbort(err) || hasCode(err, 'STORE_FULL')) throw err
    giveUp(err)
    return undefined
  }
}

type Bring = (blob: BlobRef, signal: AbortSignal) => Promise<StoredBlob>

export function ingest(components: IngestComponents, init: { readonly memberId: string }): Ingest {
  const { store, backends, cluster, refusals } = components
  const backendReads = singleFlight<Digest, StoredBlob>()
  const siblingReads = singleFlight<Digest, StoredBlob>()
  const isSelf = (member: Member) => member.id === init.memberId

  // What has begun is finished even when every asker has left: the next one would begin from the start. The work's own
  // wait never leaves, so nobody's signal reaches it; the store cuts it when the service stops.
  const shared = (
    flights: SingleFlight<Digest, StoredBlob>,
    blob: BlobRef,
    work: Bring,
    signal: AbortSignal | undefined,
  ) => {
    const flight = flights.run(blob.digest, (own) => work(blob, own))
    flight.catch(() => undefined)
    return abortable(flight, signal)
  }

  const fromBackend = (blob: BlobRef, signal: AbortSignal | undefined) =>
    shared(backendReads, blob, (wanted, own) => readBackend(components, wanted, own), signal)

  const fromOwners = async (blob: BlobRef, signal: AbortSignal): Promise<StoredBlob> => {
    for (const member of cluster.liveOwners(blob.digest)) {
      if (isSelf(member)) break
      const stored = await readSibling(components, member, blob, signal)
      if (stored !== undefined) return stored
    }
    return fromBackend(blob, signal)
  }

  return {
    async size(blob, options = {}) {
      const stored = await store.stat(blob.digest)
      if (stored !== undefined) return stored.size
      refusals.check(blob.digest)
      const object = await backends.backendFor(blob.namespace).stat(blobKey(blob.digest), options)
      if (object === undefined) throw unknown(blob)
      return object.size
    },
    async ensure(blob, { hop, signal }) {
      const stored = await store.stat(blob.digest)
      if (stored !== undefined) return stored
      refusals.check(blob.digest)
      if (!hop) return shared(siblingReads, blob, fromOwners, signal)
      if (![...cluster.owners(blob.digest), ...cluster.liveOwners(blob.digest)].some(isSelf)) {
        throw appError('NOT_OWNER', { detail: { digest: blob.digest, member: init.memberId } })
      }
      return fromBackend(blob, signal)
    },
  }
}
