import { join } from 'node:path'
import type { Ports } from './ports.ts'

/** How many of each service; build-indexes and the proxy have fixed numbers. */
export interface HerdSize {
  readonly agents: number
  readonly origins: number
  readonly trackers: number
}

/** The services of a herd, as `--set` names them. */
export type ServiceKind = 'agent' | 'origin' | 'tracker' | 'buildIndex' | 'proxy'

/** One service of the herd: its id, where each of its listeners is, and its config as top-level keys. */
export interface InstancePlan {
  readonly id: string
  readonly ports: Readonly<Record<string, number>>
  readonly config: Readonly<Record<string, unknown>>
}

export type HerdPlan = Readonly<Record<ServiceKind, readonly InstancePlan[]>>

const BUILD_INDEXES = 2
const REPLICAS = 2
const HOST = '127.0.0.1'

/** First ports of each service; further instances stand a hundred apart. */
const firstPorts = {
  agent: { registry: 65_001, peer: 65_002, ops: 65_003, admin: 65_004 },
  origin: { http: 64_001, peer: 64_002, ops: 64_003 },
  tracker: { http: 63_001, ops: 63_003 },
  buildIndex: { http: 62_001, ops: 62_003 },
  proxyRegistry: { registry: 5_000 },
  proxyOps: { ops: 61_003 },
} as const

/** How many ports a herd of that size needs. */
export function portCount(size: HerdSize): number {
  const { agent, origin, tracker, buildIndex } = firstPorts
  const count = (ports: object) => Object.keys(ports).length
  return (
    size.agents * count(agent) +
    size.origins * count(origin) +
    size.trackers * count(tracker) +
    BUILD_INDEXES * count(buildIndex) +
    2
  )
}

const bindTo = (port: number | undefined) => ({ bind: `${HOST}:${port ?? 'auto'}` })

interface Placed {
  readonly id: string
  readonly ports: Readonly<Record<string, number>>
}

const membersOf = (instances: readonly Placed[]) => ({
  members: instances.map(({ id, ports }) => ({ id, url: `http://${HOST}:${ports['http'] ?? 0}` })),
})

/**
 * Who listens where, with which folders and neighbours. Pure. The backend's folder stands beside the services' own:
 *
 *     <data>/backend        what a real cluster has in its object store
 *     <data>/agent-1 ...    caches
 *     <data>/origin-1 ...   blobs at rest, uploads
 */
export function planHerd(size: HerdSize, ports: Ports, data: string): HerdPlan {
  const placed = (name: string, count: number, first: Readonly<Record<string, number>>): readonly Placed[] =>
    Array.from({ length: count }, (_, i) => ({ id: `${name}-${i + 1}`, ports: ports.take(i, first) }))

  const agents = placed('agent', size.agents, firstPorts.agent)
  const originNodes = placed('origin', size.origins, firstPorts.origin)
  const trackerNodes = placed('tracker', size.trackers, firstPorts.tracker)
  const indexes = placed('build-index', BUILD_INDEXES, firstPorts.buildIndex)
  const proxyPorts = { ...ports.take(0, firstPorts.proxyRegistry), ...ports.take(0, firstPorts.proxyOps) }

  const origins = { ...membersOf(originNodes), replicas: Math.min(REPLICAS, size.origins) }
  const trackers = membersOf(trackerNodes)
  const buildIndexes = membersOf(indexes)
  const ownNames = [`${HOST}:${proxyPorts.registry}`]
  const backend = { driver: 'file', folder: join(data, 'backend') }

  return {
    agent: agents.map(({ id, ports: own }) => ({
      id,
      ports: own,
      config: {
        registry: { listener: bindTo(own['registry']), ownNames },
        peer: bindTo(own['peer']),
        ops: bindTo(own['ops']),
        admin: bindTo(own['admin']),
        folder: join(data, id),
        origins,
        trackers,
        buildIndexes,
      },
    })),
    origin: originNodes.map(({ id, ports: own }) => ({
      id,
      ports: own,
      config: {
        member: id,
        http: bindTo(own['http']),
        peer: bindTo(own['peer']),
        ops: bindTo(own['ops']),
        folder: join(data, id),
        backends: [{ namespace: '*', backend }],
        origins,
        trackers,
      },
    })),
    tracker: trackerNodes.map(({ id, ports: own }) => ({
      id,
      ports: own,
      config: { http: bindTo(own['http']), ops: bindTo(own['ops']), origins },
    })),
    buildIndex: indexes.map(({ id, ports: own }) => ({
      id,
      ports: own,
      config: { http: bindTo(own['http']), ops: bindTo(own['ops']), backend },
    })),
    proxy: [
      {
        id: 'proxy-1',
        ports: proxyPorts,
        config: {
          registry: { listener: bindTo(proxyPorts.registry), ownNames },
          ops: bindTo(proxyPorts.ops),
          origins,
          buildIndexes,
        },
      },
    ],
  }
}
