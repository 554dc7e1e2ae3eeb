import { type GuardedRegistry, type GuardedRegistryInit, guardedRegistry } from './guarded-registry.ts'
import { type RegistryAnswer, type RegistryClient, registryClient } from './registry-client.ts'
import { buildResource } from './resource-stack.ts'
import { startTopology, type Topology, type TopologyInit } from './topology.ts'

export interface PassThroughLab {
  readonly registry: GuardedRegistry
  readonly topology: Topology
  readonly agent: RegistryClient
  /** Asks the agent for something of a repository of the registry, showing this. */
  readonly ask: (shown: string | undefined, method: string, path: string, headers?: object) => Promise<RegistryAnswer>
}

export interface PassThroughLabInit extends GuardedRegistryInit {
  /** More keys of the agent's entry. */
  readonly entry?: object
  /** The account of the cluster; `''`: it has none. Default: the first user. */
  readonly account?: string
  readonly topology?: Partial<TopologyInit>
  /** More overrides, for that registry. */
  readonly overrides?: (host: string) => readonly string[]
}

/** A cluster with one agent in front of a registry that shows each user only some of its repositories. */
export const passThroughLab = ({ entry = {}, account, overrides = () => [], ...init }: PassThroughLabInit) =>
  buildResource<PassThroughLab>(async (stack) => {
    const registry = stack.own(await guardedRegistry(init))
    const { host } = registry
    const username = account ?? Object.keys(init.users)[0] ?? ''
    const login = username === '' ? {} : { username, password: `password of ${username}` }
    // Long enough for a machine that has much else to do.
    const rule = { registry: host, plainHttp: true, wait: '20s', ...login }
    const guarded = { registry: host, plainHttp: true, wait: '20s', identity: 'passThrough', ...entry }
    const topology = stack.own(
      await startTopology({
        ...{ agents: 1, origins: 1, trackers: 1, processes: [] },
        ...init.topology,
        overrides: [
          `origin.upstreams=${JSON.stringify([rule])}`,
          `buildIndex.upstreams=${JSON.stringify([{ ...rule, fresh: '0s' }])}`,
          `agent.registry.upstreams=${JSON.stringify([guarded])}`,
          `agent.registry.default=${host}`,
          'agent.registry.upstreamWait=30s',
          ...overrides(host),
        ],
      }),
    )
    const agent = registryClient(topology.url('agent-1', 'registry'))
    return {
      registry,
      topology,
      agent,
      ask: (shown, method, path, headers = {}) =>
        agent.send(method, path, { headers: { ...headers, ...(shown !== undefined && { authorization: shown }) } }),
    }
  })
