import { bareHost } from '../base/index.ts'
import {
  type ChangingCluster,
  changingCluster,
  dnsSource,
  fileSource,
  type Member,
  type MemberFeed,
  type MemberSource,
  memberFeed,
  membersIn,
  staticSource,
} from '../cluster/index.ts'
import type { MembersConfig } from './config.ts'
import type { Runtime } from './runtime.ts'

/** Three failures within 30 seconds exclude a member for ten seconds. */
const HEALTH = { failures: 3, windowMs: 30_000, outMs: 10_000 }
/** So long a member stays that DNS names no longer: a pod that starts again is out of it for a while, and comes back. */
const KEEP_SERVICE_MS = 300_000
/** The same where addresses are the ids: who comes back has another one. */
const KEEP_ADDRESS_MS = 30_000

export interface ServiceClusterInit {
  /** As the config has it: `origins`, `trackers`, `buildIndexes`. */
  readonly name: string
  readonly members: MembersConfig
  /** The network from which they are called. */
  readonly network?: string | undefined
  readonly replicas?: number
  /** The member that this process is itself. */
  readonly self?: string | undefined
}

/** A cluster of another service, or of this one. */
export interface ServiceCluster extends ChangingCluster {
  /** Follows the source of its members; the shell of the service runs it. */
  readonly feed: MemberFeed
  /** Hosts by which the members are called now, as a listener takes them. */
  hosts(): readonly string[]
}

/** Members as the config names them, with passive health; they follow its source from the start of the feed on. */
export function serviceCluster(
  runtime: Runtime,
  { name, members, network, replicas = 1, self }: ServiceClusterInit,
): ServiceCluster {
  const listed = 'length' in members ? membersIn(members, network) : []
  const cluster = changingCluster(runtime, { name, members: listed, replicas, health: HEALTH })
  const source = memberSource(members, network)
  const feed = memberFeed({ ...runtime, source, cluster }, { name, keepMs: keepOf(members), self })
  return Object.assign(cluster, {
    feed,
    hosts: () => [...new Set([...source.hosts, ...cluster.members.map(hostOf)])],
  })
}

/** Where the members are named. @throws CONFIG_INVALID for a listed one without an address in the network */
export function memberSource(members: MembersConfig, network: string | undefined): MemberSource {
  if ('length' in members) return staticSource(members, network)
  if (members.file !== undefined) return fileSource({ ...members.file, network })
  const { minRefresh, maxRefresh, ...dns } = members.dns
  return dnsSource({ ...dns, minRefreshMs: minRefresh, maxRefreshMs: maxRefresh })
}

/** What a list or a file says, somebody has written; DNS says rather who runs at the moment. */
function keepOf(members: MembersConfig): number {
  if ('length' in members || members.dns === undefined) return 0
  const { keep, record } = members.dns
  return keep ?? (record === 'SRV' ? KEEP_SERVICE_MS : KEEP_ADDRESS_MS)
}

const hostOf = ({ url }: Member) => bareHost(new URL(url).hostname)
