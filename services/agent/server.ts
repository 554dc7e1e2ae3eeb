import type { IncomingMessage } from 'node:http'
import {
  adminRoute,
  agentAdmin,
  blobOf,
  describedRoutes,
  originRoutes,
  ringRoutes,
  type Steered,
  settingsRoute,
} from '../../lib/api/index.ts'
import type { Cluster } from '../../lib/cluster/index.ts'
import {
  type Content,
  type Exchange,
  type LookBudget,
  type RequestRate,
  type Route,
  sendContent,
  sendJson,
} from '../../lib/http/index.ts'
import type { ReadManner } from '../../lib/registry/index.ts'
import type { BlobReader, PartialBlobs, StoreHealth } from '../../lib/store/index.ts'
import type { SwarmEngine } from '../../lib/swarm/index.ts'
import type { Departure } from './departure.ts'
import type { PullLog } from './pull-log.ts'
import { pullRoutes } from './pull-routes.ts'
import type { PullRules } from './pull-rules/index.ts'
import type { Pulls } from './pulls.ts'

export interface BlobRouteComponents {
  readonly pulls: Pick<Pulls, 'find'>
  readonly onSent: (bytes: number) => void
  readonly rules: Pick<PullRules, 'admit'>
  /** What each client may ask for in vain. */
  readonly looks: Pick<LookBudget, 'during'>
  readonly rate: RequestRate
  /** How a request reads a blob. */
  readonly mannerOf: (req: Pick<IncomingMessage, 'headers'>) => ReadManner
}

/** `/namespace`: a blob of a repository by its digest, for tools that do not speak the registry protocol. */
export function blobRoute({ pulls, onSent, rules, looks, rate, mannerOf }: BlobRouteComponents): Route {
  return {
    methods: ['GET', 'HEAD'],
    path: originRoutes.blob,
    right: 'read',
    summary: 'a blob of a repository, with ranges',
    async handle(exchange) {
      const { signal } = exchange
      const blob = blobOf(exchange)
      rate.count(exchange.req)
      const terms = rules.admit(exchange, blob)
      const pull = await looks.during(exchange.req, () => pulls.find(blob, { signal, kind: 'tool', terms }))
      const content: Content = {
        tag: blob.digest,
        size: pull.size,
        mediaType: 'application/octet-stream',
        headers: { 'docker-content-digest': blob.digest },
        open: (range, options) => pull.open(range, { ...options, ...mannerOf(exchange.req), transient: true }),
      }
      try {
        await sendContent(exchange, content, { onBytes: onSent })
      } finally {
        pull.close()
      }
    },
  }
}

interface AdminStore extends Pick<BlobReader, 'list'>, Pick<PartialBlobs, 'partials'>, Pick<StoreHealth, 'usedBytes'> {}

export interface AgentAdminComponents {
  readonly store: AdminStore
  readonly engine: SwarmEngine
  readonly rings: Readonly<Record<string, Cluster>>
  readonly log: PullLog
  readonly departure: Departure
  readonly steering: Pick<Steered, 'status'>
}

/** Admin routes: the blobs that the agent holds, the peers it is connected to, its last pulls, and whether it goes. */
export function adminRoutes({
  store,
  engine,
  rings,
  log,
  departure,
  steering,
}: AgentAdminComponents): readonly Route[] {
  const blobs = async (exchange: Exchange) => {
    const held = (await store.partials()).map(({ digest, map, bytes }) => {
      return { digest, size: map.length, heldBytes: bytes }
    })
    sendJson(exchange, 200, { usedBytes: store.usedBytes, blobs: await store.list(), partials: held })
  }
  return describedRoutes('agent', agentAdmin, [
    ...ringRoutes(rings),
    ...pullRoutes(log),
    adminRoute(agentAdmin.blobs, blobs),
    adminRoute(agentAdmin.swarms, (exchange) => sendJson(exchange, 200, engine.snapshot())),
    settingsRoute(steering),
    adminRoute(agentAdmin.drain, (exchange) => sendJson(exchange, 200, { state: departure.state })),
    adminRoute(agentAdmin.leave, (exchange) => {
      departure.leave()
      sendJson(exchange, 202, { state: departure.state })
    }),
    adminRoute(agentAdmin.stay, (exchange) => {
      departure.stay()
      sendJson(exchange, 200, { state: departure.state })
    }),
  ])
}
