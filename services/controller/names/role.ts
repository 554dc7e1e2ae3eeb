import type { NamesStatus } from '../../../lib/api/index.ts'
import { appError } from '../../../lib/base/index.ts'
import { type HttpClient, httpClient } from '../../../lib/http/index.ts'
import type { Secrets } from '../../../lib/identity/index.ts'
import { resources, type WatchedObjects, watchedObjects } from '../kubernetes/index.ts'
import type { Role, RoleComponents } from '../role.ts'
import type { NamesConfig } from './config.ts'
import { type Keeper, keeper } from './keeper.ts'
import { loads } from './loads.ts'
import { mandates } from './mandates.ts'
import { observer } from './observer.ts'
import { openZone } from './open-zone.ts'
import { cachePod, type NodeFacts, nodeFacts, type PodFacts, podFacts } from './pods.ts'
import { type AskPort, prober, probeTargets } from './prober.ts'
import type { CachePod } from './rules/cache-pod.ts'
import type { NamesRule } from './rules/judge.ts'
import { statusOf } from './status.ts'

export interface NamesRole extends Role {
  status(): NamesStatus
}

export interface NamesRoleConfig {
  readonly names: NamesConfig
  readonly secrets: Pick<Secrets, 'shown'>
}

const MS_PER_SECOND = 1000

/** Keeps the names by which clients find caches. */
export function namesRole(components: RoleComponents, { names: config, secrets }: NamesRoleConfig): NamesRole {
  const { kube, clock, logger, metrics, tls } = components
  const pods = podsOf(components, config)
  const nodes = watchedObjects<NodeFacts>(components, {
    resource: resources.nodes,
    keep: (object) => nodeFacts(object, config.virtualNodes),
  })
  // Caches and clouds are shown no secret of ours, and neither do they show our certificates.
  const open = httpClient({ clock }, { connectionsPerOrigin: 2 })
  const trackers = httpClient({ clock }, { token: secrets.shown?.(), tls })
  const { zone, parts } = openZone({ http: open, clock, random: components.random, logger, kube }, config)
  const told = loads({ http: trackers, clock, logger }, config.trackers)
  const seen = (): readonly CachePod[] | undefined =>
    pods.freshness === 'none' || nodes.freshness === 'none' ? undefined : joined(pods, nodes)
  const ports = prober(
    { clock, ask: dataPort(open, config) },
    { targets: () => probeTargets(own.state.found ?? [], seen() ?? []) },
  )
  const podAt = (address: string) => [...pods.items.values()].find((pod) => pod.address === address)
  const own: Keeper = keeper(
    {
      ...{ clock, random: components.random, logger, zone, pods: seen },
      ...{ answers: (address) => ports.answers(address), loadOf: (address) => told.of(address) },
      observer: observer({ logger, metrics, events: components.events, podAt }),
    },
    {
      rule: ruleOf(config),
      ttl: config.ttl / MS_PER_SECOND,
      ...{ writesPerSecond: config.writes.perSecond, writesAtOnce: config.writes.burst },
    },
  )
  const rights = mandates(own)
  pods.onChange(() => rights.freshness(pods.freshness === 'fresh'))
  return {
    name: 'names',
    parts: [open, trackers, ...parts, pods, nodes, told, rights, ports, own],
    lead: (term) => rights.lead(term),
    problem: () => problemOf(own, seen),
    status: () => statusOf(own.state, config),
  }
}

const ruleOf = ({ base = '', kinds, zones, perZone, most, settle, replace }: NamesConfig): NamesRule => ({
  ...{ base, kinds, zones, perZone, most, settleMs: settle, replaceMs: replace },
})

function podsOf(components: RoleComponents, { labels, namespace: given }: NamesConfig): WatchedObjects<PodFacts> {
  const selector = Object.entries(labels).map(([name, value]) => `${name}=${value}`)
  return watchedObjects<PodFacts>(components, {
    resource: resources.pods,
    // Known only after the start.
    get namespace() {
      return given ?? components.kube.namespace
    },
    labels: selector.join(','),
    keep: podFacts,
  })
}

function joined(pods: WatchedObjects<PodFacts>, nodes: WatchedObjects<NodeFacts>): readonly CachePod[] {
  return [...pods.items.values()].map((pod) => cachePod(pod, nodes.items.get(pod.node ?? '')))
}

/** A cache answers as a registry, also when it wants to know who asks, and it knows the name by which clients call it. */
function dataPort(http: HttpClient, { port, base = '' }: NamesConfig): AskPort {
  return async (address, { signal }) => {
    const url = `http://${address}:${port}/v2/`
    const answer = await http.request({ method: 'GET', url, headers: { host: base }, signal })
    await answer.discard()
    if (answer.status !== 200 && answer.status !== 401)
      throw appError('PEER_REJECTED', { detail: { status: answer.status } })
  }
}

function problemOf({ state }: Keeper, seen: () => unknown): string | undefined {
  if (seen() === undefined) return 'the pods and nodes have not been listed yet'
  const { failure } = state
  return failure === undefined ? undefined : `${failure.code}: ${failure.message}`
}
