import { type AdminClient, adminClient, buildIndexAdmin } from '../../lib/api/index.ts'
import { systemClock } from '../../lib/base/index.ts'
import { httpClient } from '../../lib/http/index.ts'
import { eventually } from './eventually.ts'
import { type RegistryClient, registryClient } from './registry-client.ts'
import { buildResource } from './resource-stack.ts'
import { startTopology, type Topology, type TopologyInit } from './topology.ts'

/** What one cluster replicates to another one; the address is known here. */
export type RemotePlan = Readonly<Record<string, unknown>>

export interface ClustersInit extends Pick<TopologyInit, 'processes'> {
  /** By the name of a cluster: the clusters that it replicates to, and the config of each. */
  readonly clusters: Readonly<Record<string, Readonly<Record<string, RemotePlan>>>>
  /** The `replication` key of all build-indexes. */
  readonly replication?: Readonly<Record<string, unknown>>
  /** By the name of a cluster: config overrides, as a topology takes them. */
  readonly overrides?: Readonly<Record<string, readonly string[]>>
}

/** One of several clusters. */
export interface TestCluster extends Topology {
  readonly registry: RegistryClient
  readonly agent: RegistryClient
  /** Calls of the admin API of a build-index. */
  admin(id?: string): AdminClient<typeof buildIndexAdmin>
  /** Waits until the tag points to the digest; undefined: until it is gone. */
  hasTag(repository: string, tag: string, digest: string | undefined, timeoutMs?: number): Promise<void>
}

export interface Clusters extends AsyncDisposable {
  at(name: string): TestCluster
  /** Other remotes of a cluster, for the next starts of its build-indexes. */
  plan(name: string, remotes: Readonly<Record<string, RemotePlan>>): void
}

const indexes = ['build-index-1', 'build-index-2']

/**
 * Overrides of a cluster that asks for secrets of its own behind its proxy, where everybody may pull and push. Others
 * replicate to it with `peering` alone.
 */
export const guardedCluster = (own: { readonly service: string; readonly peering: string }): readonly string[] => [
  ...['buildIndex', 'origin', 'tracker', 'proxy'].map((kind) => `${kind}.secrets.service=${own.service}`),
  ...['buildIndex', 'origin'].map((kind) => `${kind}.secrets.peering=${own.peering}`),
  ...['buildIndex.anonymous=read', 'origin.anonymous=read', 'tracker.anonymous=write', 'proxy.anonymous=write'],
]

/** Several clusters of one agent, two origins and two build-indexes each, that replicate to each other. */
export function startClusters({ clusters, replication, overrides, processes = [] }: ClustersInit): Promise<Clusters> {
  return buildResource(async (stack) => {
    const started = new Map<string, TestCluster>()
    const plans = new Map(Object.entries(clusters))
    const http = httpClient({ clock: systemClock() })
    await http.start()
    stack.own({ [Symbol.asyncDispose]: () => http.stop() })
    const at = (name: string): TestCluster => {
      const found = started.get(name)
      if (found === undefined) throw new Error(`no cluster ${name}`)
      return found
    }
    const configOf = (name: string) => ({
      cluster: name,
      replication: { lease: '3s', retry: { first: '200ms', most: '1s' }, ...replication },
      remotes: Object.fromEntries(
        Object.entries(plans.get(name) ?? {}).map(([remote, plan]) => [
          remote,
          { urls: indexes.map((id) => at(remote).url(id)), rules: [{ repository: '*' }], ...plan },
        ]),
      ),
    })
    const size = { agents: 1, origins: 2, trackers: 1 }
    for (const name of Object.keys(clusters)) {
      const more: TopologyInit['more'] = (kind) => (kind === 'buildIndex' ? configOf(name) : {})
      const shoal = stack.own(
        await startTopology({ ...size, later: indexes, processes, more, overrides: overrides?.[name] ?? [] }),
      )
      const registry = registryClient(shoal.url('proxy-1', 'registry'))
      started.set(name, {
        ...shoal,
        registry,
        agent: registryClient(shoal.url('agent-1', 'registry')),
        admin: (id = 'build-index-1') => adminClient(http, shoal.url(id, 'admin'), buildIndexAdmin),
        async hasTag(repository, tag, digest, timeoutMs = 60_000) {
          await eventually(
            async () => {
              const { status, headers } = await registry.send('HEAD', `/v2/${repository}/manifests/${tag}`)
              const found = status === 404 ? undefined : headers['docker-content-digest']
              if (found !== digest) throw new Error(`${name}: ${repository}:${tag} is ${String(found ?? status)}`)
            },
            { timeoutMs },
          )
        },
        [Symbol.asyncDispose]: () => shoal[Symbol.asyncDispose](),
      })
    }
    for (const name of Object.keys(clusters)) for (const id of indexes) await at(name).start(id)
    return { at, plan: (name, remotes) => void plans.set(name, remotes) }
  })
}
