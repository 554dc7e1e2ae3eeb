import type { Startable } from '../../../lib/base/index.ts'
import { admittedInner, type HttpClient, httpClient, type Route, requestRate } from '../../../lib/http/index.ts'
import type { Runtime } from '../../../lib/service/index.ts'
import type { ManagerDatabase } from '../database/index.ts'
import { type ClusterChanges, clusterChanges } from './cluster-changes.ts'
import { clusterMeters } from './cluster-meters.ts'
import { clusterStore } from './cluster-store.ts'
import type { ClustersConfig } from './config.ts'
import { firstCluster } from './first-cluster.ts'
import { healthRounds } from './health-rounds.ts'
import { hostRounds } from './host-rounds.ts'
import { hostStore } from './host-store.ts'
import { joinTokenStore } from './join-token-store.ts'
import { joiningRoutes } from './joining-routes.ts'
import { memberStore } from './member-store.ts'
import { type Roster, roster } from './roster.ts'
import { folderKey, type Seal, seal, sharedKey } from './seal.ts'
import { type ClusterTalk, clusterTalk } from './talk.ts'
import { clusterWingRoutes } from './wing-routes.ts'

export interface ClustersComponents extends Runtime {
  readonly database: ManagerDatabase
  /** Work of which one manager of several does each piece. */
  readonly duty: (name: string, work: Startable) => Startable
  /** The generation of settings that the hosts of a cluster should run; 0: none. */
  readonly wantedGeneration: (clusterId: string) => Promise<number>
}

/** The wing of the clusters. */
export interface Clusters {
  readonly routes: readonly Route[]
  readonly talk: ClusterTalk
  readonly roster: Pick<Roster, 'clusters'>
  readonly changes: ClusterChanges
  /** How this wing calls members. */
  readonly http: HttpClient
  /** To be started in order, behind the database. */
  readonly parts: readonly Startable[]
}

/** Heartbeats that a member may miss before it is away. */
const MISSED = 3
const CONNECT_MS = 2_000
/** Requests of one address to join, to live and to be assigned: members behind one address are tens. */
const REQUESTS_PER_SECOND = 50

/** A key that is there from the start on. */
function sealing(
  { random }: Runtime,
  folder: string,
  { secret }: ClustersConfig,
): Startable & { readonly current: () => Seal } {
  let made: Seal | undefined
  return {
    async start() {
      made = seal(secret === undefined ? await folderKey(folder, random) : sharedKey(secret()), random)
    },
    stop: () => Promise.resolve(),
    current() {
      if (made === undefined) throw new TypeError('the seal is used before its start')
      return made
    },
  }
}

export function openClusters(
  components: ClustersComponents,
  { folder, clusters: config }: { readonly folder: string; readonly clusters: ClustersConfig },
): Clusters {
  const { clock, metrics, duty } = components
  const { tls } = components
  const reach = { trustsPublic: true, admits: admittedInner, connectTimeoutMs: CONNECT_MS }
  const http = httpClient(components, { tls, ...reach })
  const key = sealing(components, folder, config)
  const meters = clusterMeters(metrics)
  const clusters = clusterStore(components)
  const tokens = joinTokenStore(components)
  const members = memberStore({ ...components, seal: key.current })
  const hosts = hostStore(components)
  const known = roster({ ...components, clusters, members, onLook: (all) => meters.measure(all, clock.now()) })
  const talk = clusterTalk({ roster: known, http, seal: key.current })
  const times = { heartbeatMs: config.heartbeat, awayMs: MISSED * config.heartbeat }
  const health = healthRounds(
    { ...components, members, http, seal: key.current, onChanged: () => known.refresh() },
    times,
  )
  const rate = requestRate(components, { listener: 'joining', perSecond: REQUESTS_PER_SECOND, code: 'TOOMANYREQUESTS' })
  const changes = clusterChanges({ clusters, roster: known })
  const parted = { changes, clusters, tokens, members, hosts, roster: known, talk, rate, meters, clock }
  const routes = [
    ...clusterWingRoutes(parted),
    ...joiningRoutes({ ...parted, http, onJoined: () => health.ask() }, times),
  ]
  const walking = hostRounds({ ...components, talk, hosts, clusters }, { pauseMs: config.hosts })
  const parts = [
    key,
    http,
    known,
    firstCluster({ ...components, clusters, tokens, known }, config),
    duty('members', health),
    duty('hosts', walking),
  ]
  return { routes, talk, roster: known, changes, http, parts }
}
