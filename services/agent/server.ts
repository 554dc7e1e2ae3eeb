import { originRoutes } from '../../lib/api/index.ts'
import { appError } from '../../lib/base/index.ts'
import { type Digest, parseDigest, rangeLength, wholeRange } from '../../lib/core/index.ts'
import {
  contentRange,
  type Exchange,
  entityTag,
  parseRange,
  type Route,
  sendEmpty,
  sendJson,
  sendStream,
} from '../../lib/http/index.ts'
import type { BlobStore } from '../../lib/store/index.ts'
import type { BlobRef, SwarmEngine } from '../../lib/swarm/index.ts'
import type { Pull, Pulls } from './pulls.ts'

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
      const { signal } = exchange
      const blob = blobOf(exchange)
      const pull = await pulls.find(blob, { signal })
      try {
        await sendPull(exchange, { pull, digest: blob.digest, onSent })
      } finally {
        pull.close()
      }
    },
  }
}

interface PullAnswer {
  readonly pull: Pull
  readonly digest: Digest
  readonly onSent: (bytes: number) => void
}

async function sendPull(exchange: Exchange, { pull, digest, onSent }: PullAnswer): Promise<void> {
  const { size } = pull
  const asked = parseRange(exchange.req.headers.range, size)
  if (asked.kind === 'unsatisfiable') throw appError('RANGE_UNSATISFIABLE', { detail: { size } })
  const single = asked.kind === 'single'
  const range = single ? asked.range : wholeRange(size)
  const headers = {
    'content-type': 'application/octet-stream',
    'content-length': rangeLength(range),
    'content-range': single ? contentRange(range, size) : undefined,
    'docker-content-digest': digest,
    'accept-ranges': 'bytes',
    etag: entityTag(digest),
  }
  if (exchange.method === 'HEAD') sendEmpty(exchange, single ? 206 : 200, headers)
  else {
    const body = await pull.open(range, { signal: exchange.signal, transient: true })
    await sendStream(exchange, { status: single ? 206 : 200, headers, body, onBytes: onSent })
  }
}

/** What the agent holds and whom it talks to, for the person on call. */
export function adminRoutes(store: BlobStore, engine: SwarmEngine): readonly Route[] {
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
