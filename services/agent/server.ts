import { blobOf, originRoutes } from '../../lib/api/index.ts'
import { appError } from '../../lib/base/index.ts'
import { rangeLength, wholeRange } from '../../lib/core/index.ts'
import {
  contentRange,
  entityTag,
  parseRange,
  type Route,
  sendEmpty,
  sendJson,
  sendStream,
  unsatisfiedContentRange,
} from '../../lib/http/index.ts'
import type { BlobReader, StoreHealth } from '../../lib/store/index.ts'
import type { SwarmEngine } from '../../lib/swarm/index.ts'
import type { Pulls } from './pulls.ts'

/** `/namespace`: any blob of the cluster by digest alone, for tools that speak no registry. */
export function blobRoute(pulls: Pulls, onSent: (bytes: number) => void): Route {
  return {
    methods: ['GET', 'HEAD'],
    path: originRoutes.blob,
    right: 'read',
    summary: 'a blob of the cluster, with single ranges',
    async handle(exchange) {
      const { signal, req } = exchange
      const blob = blobOf(exchange)
      const size = await pulls.size(blob, { signal })
      const asked = parseRange(req.headers.range, size)
      if (asked.kind === 'unsatisfiable') {
        exchange.res.setHeader('content-range', unsatisfiedContentRange(size))
        throw appError('RANGE_UNSATISFIABLE', { detail: { size } })
      }
      const single = asked.kind === 'single'
      const range = single ? asked.range : wholeRange(size)
      const headers = {
        'content-type': 'application/octet-stream',
        'content-length': rangeLength(range),
        'content-range': single ? contentRange(range, size) : undefined,
        'docker-content-digest': blob.digest,
        'accept-ranges': 'bytes',
        etag: entityTag(blob.digest),
      }
      if (exchange.method === 'HEAD') sendEmpty(exchange, single ? 206 : 200, headers)
      else {
        const body = await pulls.open(blob, range, { signal, transient: true })
        await sendStream(exchange, { status: single ? 206 : 200, headers, body, onBytes: onSent })
      }
    },
  }
}

interface AdminStore extends Pick<BlobReader, 'list'>, Pick<StoreHealth, 'usedBytes'> {}

/** What the agent holds and whom it talks to, for the person on call. */
export function adminRoutes(store: AdminStore, engine: SwarmEngine): readonly Route[] {
  return [
    {
      methods: ['GET'],
      path: '/blobs',
      right: 'admin',
      summary: 'blobs in the cache',
      handle: async (exchange) => sendJson(exchange, 200, { usedBytes: store.usedBytes, blobs: await store.list() }),
    },
    {
      methods: ['GET'],
      path: '/swarms',
      right: 'admin',
      summary: 'torrents and their peers',
      handle: (exchange) => sendJson(exchange, 200, engine.snapshot()),
    },
  ]
}
