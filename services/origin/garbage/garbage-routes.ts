import {
  copiesBodySchema,
  garbageRoutes,
  type Judgement,
  judgeBodySchema,
  MAX_LISTED,
  parseBody,
  type RemovalOutcome,
} from '../../../lib/api/index.ts'
import type { Backend } from '../../../lib/backend/index.ts'
import { type AbortOptions, appError, inTurns } from '../../../lib/base/index.ts'
import type { Digest } from '../../../lib/core/index.ts'
import { type Exchange, type Route, readJson, sendJson } from '../../../lib/http/index.ts'
import type { BlobInspection, Retention } from '../../../lib/store/index.ts'
import { BLOB_PREFIX, digestOfKey } from '../blob-keys.ts'
import type { Condemned } from './condemned.ts'
import { claimOwner } from './owner.ts'

/** Most bytes of the body of a request. */
const MAX_BODY_BYTES = 16 * 1024
/** Blobs of one request that are handled at the same time. */
const AT_ONCE = 8

export interface GarbageRoutesComponents {
  /** The backends of the blobs by their names, each once. */
  readonly places: ReadonlyMap<string, Backend>
  readonly condemned: Condemned
  readonly store: Pick<Retention, 'evict'> & Pick<BlobInspection, 'look'>
}

/** The routes by which the cluster's build-indexes remove what no repository links. */
export function garbageServerRoutes(parts: { readonly garbage: GarbageRoutesComponents }): readonly Route[] {
  const backendOf = ({ params }: Exchange): Backend => {
    const { places } = parts.garbage
    const backend = places.get(params['place'] ?? '')
    if (backend !== undefined) return backend
    throw appError('GARBAGE_PLACE_UNKNOWN', { detail: { place: params['place'], known: [...places.keys()] } })
  }
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
    await claimOwner(backend, judgement.owner, exchange)
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
      sendJson(exchange, 200, { places: [...parts.garbage.places.keys()] }),
    ),
    row('GET', garbageRoutes.blobs, 'the blobs in a backend, page by page', blobs),
    row('GET', garbageRoutes.condemned, 'those that are to be removed, and since when', listCondemned),
    row('POST', garbageRoutes.judge, 'condemns, pardons or removes blobs of a backend', judge),
    row('POST', garbageRoutes.copies, 'which blobs are held here, or removes the copies that are not', copies),
  ]
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
