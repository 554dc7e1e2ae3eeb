import { join } from 'node:path'
import { deepMerge, type Tree, treeAt } from '../../lib/config/index.ts'
import { defaultPorts, type ServiceKind, serviceFacts, serviceKinds } from '../../lib/service/index.ts'
import type { Ports } from './ports.ts'

/** Numbers of the services; those of build-indexes and proxies are fixed. */
export interface HerdSize {
  readonly agents: number
  readonly origins: number
  readonly trackers: number
  /** Default none: they are for clusters of Kubernetes. */
  readonly controllers?: number | undefined
  /** Default none. */
  readonly managers?: number | undefined
  /** With it the others join the first manager; without it nobody does. */
  readonly joinToken?: string | undefined
  /** Also opens the listeners that are off by default. */
  readonly optional?: boolean | undefined
}

/** One service of the herd: its id, the ports of its listeners, and its config as top-level keys. */
export interface InstancePlan {
  readonly id: string
  readonly ports: Readonly<Record<string, number>>
  readonly config: Readonly<Record<string, unknown>>
}

export type HerdPlan = Readonly<Record<ServiceKind, readonly InstancePlan[]>>

const BUILD_INDEXES = 2
const REPLICAS = 2
const HOST = '127.0.0.1'

/** The number of each service in a herd. */
const countsOf = (size: HerdSize): Readonly<Record<ServiceKind, number>> => ({
  agent: size.agents,
  origin: size.origins,
  tracker: size.trackers,
  buildIndex: BUILD_INDEXES,
  proxy: 1,
  controller: size.controllers ?? 0,
  manager: size.managers ?? 0,
})

/** The number of ports that a herd of that size needs. */
export function portCount(size: HerdSize): number {
  return Object.entries(countsOf(size))
    .map(([kind, count]) => count * Object.keys(defaultPorts(kind as ServiceKind, size)).length)
    .reduce((sum, count) => sum + count, 0)
}

interface Placed {
  readonly id: string
  readonly ports: Readonly<Record<string, number>>
}

const membersOf = (instances: readonly Placed[]) => ({
  members: instances.map(({ id, ports }) => ({ id, url: `http://${HOST}:${ports['http'] ?? 0}` })),
})

/** What the config of one service needs to know of the other services. */
interface Neighbours {
  /** Where it joins, and with which token. */
  readonly manager: { readonly url: string; readonly token: string } | undefined
  readonly origins: { readonly members: readonly object[]; readonly replicas: number }
  readonly trackers: { readonly members: readonly object[] }
  readonly buildIndexes: { readonly members: readonly object[] }
  /** Host names in image names that mean this herd. */
  readonly ownNames: readonly string[]
  readonly backend: { readonly driver: 'file'; readonly folder: string }
}

type ConfigOf = (id: string, neighbours: Neighbours, data: string) => Tree

/** The config of each service, except its listeners. */
const configOf: Readonly<Record<ServiceKind, ConfigOf>> = {
  agent: (id, { origins, trackers, buildIndexes, ownNames }, data) => ({
    // Its agents are called by their addresses, and stand in front of no other registry.
    registry: { ownNames, default: 'own' },
    folder: join(data, id),
    ...{ origins, trackers, buildIndexes },
  }),
  origin: (id, { origins, trackers, backend }, data) => ({
    member: id,
    folder: join(data, id),
    backends: [{ repository: '*', backend }],
    urls: { records: { driver: 'file', folder: join(data, 'urls') } },
    // Clusters for a try stand on one machine.
    send: { allow: [HOST] },
    ...{ origins, trackers },
  }),
  tracker: (id, { origins, trackers, buildIndexes }, data) => ({
    ...{ member: id, origins, trackers, buildIndexes },
    folder: join(data, id),
  }),
  buildIndex: (id, { backend, origins, trackers }, data) => ({
    ...{ member: id, backend, origins, trackers },
    folder: join(data, id),
  }),
  controller: () => ({}),
  manager: (id, { manager }, data) => ({
    folder: join(data, id),
    ...(manager !== undefined && { clusters: { first: { name: 'herd', token: manager.token } } }),
  }),
  proxy: (_id, { origins, buildIndexes, ownNames }) => ({ registry: { ownNames }, origins, buildIndexes }),
}

/** Where the others join; undefined when there is nothing to join. */
function managerOf([first]: readonly Placed[], { joinToken }: HerdSize): Neighbours['manager'] {
  if (first === undefined || joinToken === undefined) return undefined
  return { url: `http://${HOST}:${first.ports['http'] ?? 0}`, token: joinToken }
}

const JOINING: readonly ServiceKind[] = ['tracker', 'origin', 'buildIndex', 'proxy']

const joinOf = (kind: ServiceKind, { id }: Placed, { manager }: Neighbours): Tree =>
  manager !== undefined && JOINING.includes(kind) ? { manager: { ...manager, member: id } } : {}

/** Config keys of a service's listeners, each bound to its port. */
const listenersOf = (kind: ServiceKind, { ports }: Placed): Tree =>
  Object.entries(serviceFacts(kind).listeners)
    .filter(([name]) => name in ports)
    .map(([name, { key }]) => treeAt(`${key}.bind`, `${HOST}:${ports[name] ?? 'auto'}`))
    .reduce(deepMerge, {})

/**
 * Decides ports, folders and neighbours of each service. Pure. The backend's folder is beside those of the services:
 *
 *     <data>/backend        what a real cluster has in its object store
 *     <data>/agent-1 ...    cached blobs
 *     <data>/origin-1 ...   blobs and uploads
 */
export function planHerd(size: HerdSize, ports: Ports, data: string): HerdPlan {
  const counts = countsOf(size)
  const placed = (kind: ServiceKind): readonly Placed[] =>
    Array.from({ length: counts[kind] }, (_, i) => ({
      id: `${serviceFacts(kind).name}-${i + 1}`,
      ports: ports.take(i, defaultPorts(kind, size)),
    }))
  const instances = forEachKind(placed)
  const neighbours: Neighbours = {
    manager: managerOf(instances.manager, size),
    origins: { ...membersOf(instances.origin), replicas: Math.min(REPLICAS, size.origins) },
    trackers: membersOf(instances.tracker),
    buildIndexes: membersOf(instances.buildIndex),
    ownNames: instances.proxy.map(({ ports: { registry } }) => `${HOST}:${registry ?? 0}`),
    backend: { driver: 'file', folder: join(data, 'backend') },
  }
  return forEachKind((kind) =>
    instances[kind].map((instance) => ({
      ...instance,
      config: [
        listenersOf(kind, instance),
        configOf[kind](instance.id, neighbours, data),
        joinOf(kind, instance, neighbours),
      ].reduce(deepMerge),
    })),
  )
}

function forEachKind<T>(of: (kind: ServiceKind) => T): Readonly<Record<ServiceKind, T>> {
  return Object.fromEntries(serviceKinds.map((kind) => [kind, of(kind)])) as Record<ServiceKind, T>
}
