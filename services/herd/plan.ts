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
  origin: { http: 64_001, peer: 64_002, ops: 64_003, admin: 64_004 },
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

/** What the services of a herd know of each other. */
interface Neighbours {
  readonly origins: { readonly members: readonly object[]; readonly replicas: number }
  readonly trackers: { readonly members: readonly object[] }
  readonly buildIndexes: { readonly members: readonly object[] }
  /** Hosts in image names that mean this herd. */
  readonly ownNames: readonly string[]
  readonly backend: { readonly driver: 'file'; readonly folder: string }
}

type ConfigOf = (instance: Placed, neighbours: Neighbours, data: string) => Readonly<Record<string, unknown>>

const configOf: Readonly<Record<ServiceKind, ConfigOf>> = {
  agent: ({ id, ports }, { origins, trackers, buildIndexes, ownNames }, data) => ({
    registry: { listener: bindTo(ports['registry']), ownNames },
    peer: bindTo(ports['peer']),
    ops: bindTo(ports['ops']),
    admin: bindTo(ports['admin']),
    folder: join(data, id),
    origins,
    trackers,
    buildIndexes,
  }),
  origin: ({ id, ports }, { origins, trackers, backend }, data) => ({
    member: id,
    http: bindTo(ports['http']),
    peer: bindTo(ports['peer']),
    ops: bindTo(ports['ops']),
    admin: bindTo(ports['admin']),
    folder: join(data, id),
    backends: [{ repository: '*', backend }],
    origins,
    trackers,
  }),
  tracker: ({ ports }, { origins }) => ({ http: bindTo(ports['http']), ops: bindTo(ports['ops']), origins }),
  buildIndex: ({ ports }, { backend }) => ({ http: bindTo(ports['http']), ops: bindTo(ports['ops']), backend }),
  proxy: ({ ports }, { origins, buildIndexes, ownNames }) => ({
    registry: { listener: bindTo(ports['registry']), ownNames },
    ops: bindTo(ports['ops']),
    origins,
    buildIndexes,
  }),
}

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

  const instances: Readonly<Record<ServiceKind, readonly Placed[]>> = {
    agent: placed('agent', size.agents, firstPorts.agent),
    origin: placed('origin', size.origins, firstPorts.origin),
    tracker: placed('tracker', size.trackers, firstPorts.tracker),
    buildIndex: placed('build-index', BUILD_INDEXES, firstPorts.buildIndex),
    proxy: [
      { id: 'proxy-1', ports: { ...ports.take(0, firstPorts.proxyRegistry), ...ports.take(0, firstPorts.proxyOps) } },
    ],
  }
  const neighbours: Neighbours = {
    origins: { ...membersOf(instances.origin), replicas: Math.min(REPLICAS, size.origins) },
    trackers: membersOf(instances.tracker),
    buildIndexes: membersOf(instances.buildIndex),
    ownNames: instances.proxy.map(({ ports: { registry } }) => `${HOST}:${registry ?? 0}`),
    backend: { driver: 'file', folder: join(data, 'backend') },
  }
  const plans = (kind: ServiceKind): readonly InstancePlan[] =>
    instances[kind].map((instance) => ({ ...instance, config: configOf[kind](instance, neighbours, data) }))
  return {
    agent: plans('agent'),
    origin: plans('origin'),
    tracker: plans('tracker'),
    buildIndex: plans('buildIndex'),
    proxy: plans('proxy'),
  }
}
