import {
  clustersBodySchema,
  copiesBodySchema,
  garbageRoutes,
  type Judgement,
  judgeBodySchema,
  MAX_CLUSTERS,
  MAX_LISTED,
  parseBody,
  type RemovalOutcome,
} from '../../../lib/api/index.ts'
import { type Backend, type ProofNameComponents, rehearseConditions } from '../../../lib/backend/index.ts'
import { type AbortOptions, appError, inTurns } from '../../../lib/base/index.ts'
import type { Digest } from '../../../lib/core/index.ts'
import { type Exchange, type Route, readJson, sendJson } from '../../../lib/http/index.ts'
import type { BlobInspection, Retention } from '../../../lib/store/index.ts'
import { BLOB_PREFIX, digestOfKey } from '../blob-keys.ts'
import { markCluster, requireAlone, takeOver } from './cluster-marks.ts'
import type { Condemned } from './condemned.ts'
import type { GarbagePlaces } from './places.ts'

/** Most bytes of the body of a request. */
const MAX_BODY_BYTES = 16 * 1024
/** Blobs of one request that are handled at the same time. */
const AT_ONCE = 8

export interface GarbageRoutesComponents extends ProofNameComponents {
  readonly backends: GarbagePlaces
  readonly condemned: Condemned
  readonly store: Pick<Retention, 'evict'> & Pick<BlobInspection, 'look'>
}

/** The routes by which the cluster's build-indexes remove what no repository links. */
export function garbageServerRoutes(parts: { readonly garbage: GarbageRoutesComponents }): readonly Route[] {
  const backendOf = ({ params }: Exchange): Backend => {
    const { places } = parts.garbage.backends
    const backend = places.get(params['place'] ?? '')
    if (backend !== undefined) return backend
    throw appError('GARBAGE_PLACE_UNKNOWN', { detail: { place: params['place'], known: [...places.keys()] } })
  }
  const rehearsed = rehearsedOnce(() => parts.garbage)
  const last = ({ query }: Exchange) => query.get('last') ?? ''

  const blobs = async (exchange: Exchange) => {
    const page = await backendOf(exchange).list(BLOB_PREFIX, {
      ...{ after: BLOB_PREFIX + last(exchange), limit: MAX_LISTED, signal: exchange.signal },
    })
    const digests = page.keys.map(digestOfKey).filter((digest) => digest !== undefined)
    sendJson(exchange, 200, { digests, ...(page.next !== undefined && { next: page.next.slice(BLOB_PREFIX.length) }) })
  }
  const listCondemned = async (exchange: Exchange) => {
    const page = { last: last(exchange), limit: MAX_LISTED / 10, signal: exchange.signal }
    const { condemned: found, next } = await parts.garbage.condemned.list(backendOf(exchange), page)
    sendJson(exchange, 200, { condemned: found, ...(next !== undefined && { next }) })
  }
  const judge = async (exchange: Exchange) => {
    const backend = backendOf(exchange)
    const judgement = parseBody(judgeBodySchema, await readJson(exchange, MAX_BODY_BYTES))
    await requireAlone(backend, judgement.owner, exchange)
    if (judgement.action !== 'pardon') await rehearsed(backend, exchange)
    const one = (digest: Digest) =>
      judged(parts.garbage.condemned, backend, { judgement, digest, signal: exchange.signal })
    sendJson(exchange, 200, { outcomes: await inTurns(judgement.digests, AT_ONCE, one) })
  }
  const copies = async (exchange: Exchange) => {
    const { action, digests } = parseBody(copiesBodySchema, await readJson(exchange, MAX_BODY_BYTES))
    const { store } = parts.garbage
    const isHeld = (digest: Digest) => store.look(digest)?.holds.some((hold) => hold === 'pinned' || hold === 'leased')
    const chosen: Digest[] = []
    for (const digest of digests) {
      if (action === 'held' ? isHeld(digest) === true : await store.evict(digest)) chosen.push(digest)
    }
    sendJson(exchange, 200, { digests: chosen })
  }

  const row = (method: 'GET' | 'POST', path: string, summary: string, handle: Route['handle']): Route => ({
    ...{ methods: [method], path, summary, handle },
    right: 'ring',
  })
  return [
    row('GET', garbageRoutes.places, 'the backends of the blobs', (exchange) =>
      sendJson(exchange, 200, { places: [...parts.garbage.backends.places.keys()] }),
    ),
    row('GET', garbageRoutes.blobs, 'the blobs in a backend, page by page', blobs),
    row('GET', garbageRoutes.condemned, 'those that are to be removed, and since when', listCondemned),
    row('POST', garbageRoutes.judge, 'condemns, pardons or removes blobs of a backend', judge),
    row('POST', garbageRoutes.clusters, 'which clusters write blobs in these backends', (exchange) =>
      markAll(parts.garbage.backends.written, exchange),
    ),
    row('POST', garbageRoutes.copies, 'which blobs are held here, or removes the copies that are not', copies),
  ]
}

/** Leaves the mark of a cluster, or takes over, in all backends to which this origin writes. */
async function markAll(written: ReadonlySet<Backend>, exchange: Exchange): Promise<void> {
  const { action, ...self } = parseBody(clustersBodySchema, await readJson(exchange, MAX_BODY_BYTES))
  const mark = action === 'enter' ? markCluster : takeOver
  const all = [...written].map((backend) => mark(backend, self, exchange))
  // One that is away does not keep the mark from the others.
  await Promise.allSettled(all)
  const others = new Map((await Promise.all(all)).flat().map((other) => [other.id, other]))
  sendJson(exchange, 200, { clusters: [...others.values()].slice(0, MAX_CLUSTERS) })
}

/**
 * Before the first blob of a backend is condemned, it shows that it keeps conditions: with one that does not, a removal
 * would stop in its middle, or go on while a push relies on the blob.
 */
function rehearsedOnce(parts: () => ProofNameComponents) {
  const proven = new WeakSet<Backend>()
  return async (backend: Backend, { signal }: AbortOptions): Promise<void> => {
    if (proven.has(backend)) return
    const { clock, random } = parts()
    await rehearseConditions(backend, { folder: 'garbage/', clock, random, signal })
    proven.add(backend)
  }
}

interface Case extends AbortOptions {
  readonly judgement: Judgement
  readonly digest: Digest
}

async function judged(
  condemned: Condemned,
  backend: Backend,
  { judgement, digest, signal }: Case,
): Promise<RemovalOutcome> {
  switch (judgement.action) {
    case 'condemn':
      return { outcome: (await condemned.condemn(backend, digest, { signal })) ? 'condemned' : 'waiting' }
    case 'pardon':
      return { outcome: (await condemned.pardon(backend, digest, { signal })) ? 'pardoned' : 'kept' }
    case 'remove':
      return condemned.remove(backend, digest, { ...judgement, signal })
  }
}
