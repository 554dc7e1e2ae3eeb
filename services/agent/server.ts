import { adminRoute, agentAdmin, originRoutes } from '../../lib/api/index.ts'
import { appError } from '../../lib/base/index.ts'
import { parseDigest, rangeLength, wholeRange } from '../../lib/core/index.ts'
import {
  contentRange,
  type Exchange,
  entityTag,
  parseRange,
  type Route,
  sendEmpty,
  sendJson,
  sendStream,
  unsatisfiedContentRange,
} from '../../lib/http/index.ts'
import type { BlobStore } from '../../lib/store/index.ts'
import type { BlobRef, SwarmEngine } from '../../lib/swarm/index.ts'
import type { Pulls } from './pulls.ts'

const blobOf = ({ params }: Exchange): BlobRef => ({
  digest: parseDigest(params['digest'] ?? ''),
  namespace: params['namespace'] ?? '',
})

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

/** What the agent holds and whom it talks to, for the person on call. */
export function adminRoutes(store: BlobStore, engine: SwarmEngine): readonly Route[] {
  const blobs = async (exchange: Exchange) =>
    sendJson(exchange, 200, { usedBytes: store.usedBytes, blobs: await store.list() })
  return [
    adminRoute(agentAdmin.blobs, blobs),
    adminRoute(agentAdmin.swarms, (exchange) => sendJson(exchange, 200, engine.snapshot())),
  ]
}
