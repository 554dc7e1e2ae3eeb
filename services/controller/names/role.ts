import type { NamesStatus } from '../../../lib/api/index.ts'
import { httpClient } from '../../../lib/http/index.ts'
import type { Secrets } from '../../../lib/identity/index.ts'
import { watchedObjects } from '../kubernetes/index.ts'
import type { Role, RoleComponents } from '../role.ts'
import type { NamesConfig } from './config.ts'
import { dataPort } from './data-port.ts'
import { type Keeper, keeper } from './keeper.ts'
import { loads } from './loads.ts'
import { mandates } from './mandates.ts'
import { observer } from './observer.ts'
import { openZone } from './open-zone.ts'
import type { NodeFacts, PodFacts } from './pods.ts'
import { prober, probeTargets } from './prober.ts'
import type { CachePod } from './rules/cache-pod.ts'
import { statusOf } from './status.ts'
import { podsOnNodes, ruleOf, whichNodes, whichPods } from './which-pods.ts'

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
  const pods = watchedObjects<PodFacts>(components, whichPods(kube, config))
  const nodes = watchedObjects<NodeFacts>(components, whichNodes(config))
  // Caches and clouds are shown no secret of ours, and neither do they show our certificates.
  const open = httpClient({ clock }, { connectionsPerOrigin: 2 })
  const trackers = httpClient({ clock }, { token: secrets.shown?.(), tls })
  const { zone, parts } = openZone({ http: open, clock, random: components.random, logger, kube }, config)
  const told = loads({ http: trackers, clock, logger }, config.trackers)
  const seen = (): readonly CachePod[] | undefined =>
    pods.freshness === 'none' || nodes.freshness === 'none'
      ? undefined
      : podsOnNodes(pods.items.values(), (name) => nodes.items.get(name))
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

function problemOf({ state }: Keeper, seen: () => unknown): string | undefined {
  if (seen() === undefined) return 'the pods and nodes have not been listed yet'
  const { failure } = state
  return failure === undefined ? undefined : `${failure.code}: ${failure.message}`
}
