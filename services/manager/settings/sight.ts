import type { AnswerOf, SteeredHost, SteeredHostAnswer, SteeredState, trackerAdmin } from '../../../lib/api/index.ts'
import { type AbortOptions, type Clock, codeOf, deadline } from '../../../lib/base/index.ts'
import type { Logger } from '../../../lib/telemetry/index.ts'
import type { Counts } from './compare.ts'
import type { SteeredClusters, SteeredTrackerClient } from './steered-clusters.ts'

/** A host, or a tracker, as the trackers of its cluster know it. */
export interface SeenHost extends SteeredHost {
  readonly cluster: string
  /** Trackers have none, and hosts that have never announced. */
  readonly peerId?: string | undefined
  readonly address: string | undefined
  readonly state: SteeredState
  /** The generation that it runs. */
  readonly generation: number
  /** The generation that it was told of, as far as its tracker had it. */
  readonly told: number
  readonly code: string | undefined
  readonly message: string | undefined
  readonly seenAtMs: number
  /** Since it took its settings. */
  readonly counts: Counts
}

export interface ClusterSight {
  readonly cluster: string
  readonly hosts: readonly SeenHost[]
  /** A tracker has told of all its hosts, and has run for so long that these are all. */
  readonly isWhole: boolean
  /** None of its trackers has answered lately, so nobody was asked. */
  readonly isAway?: boolean
}

/** What is seen of a cluster that is away. */
export const unseen = (cluster: string): ClusterSight => ({ cluster, hosts: [], isWhole: false, isAway: true })

/** What one tracker knows. */
type Told = Pick<ClusterSight, 'hosts' | 'isWhole'>

type Held = AnswerOf<typeof trackerAdmin.steering>

const PAGE = '1000'
/** Hosts of one cluster that are looked at; more are a fault of a tracker. */
const MAX_HOSTS = 200_000

const countsOf = ({ health }: SteeredHostAnswer): Counts => {
  const { done = 0, failed = 0, stalled = 0 } = health ?? {}
  return { pulls: done + failed, errors: failed, stalls: stalled }
}

const hostOf = (cluster: string, told: number, row: SteeredHostAnswer): SeenHost => ({
  ...{ cluster, told, id: row.id, kind: row.kind, zone: row.zone, address: row.address, peerId: row.peerId },
  names: [row.id, row.peerId, row.address, row.label].filter((name) => name !== undefined),
  ...{ state: row.state, generation: row.generation, code: row.code, message: row.message },
  ...{ seenAtMs: row.seenAtMs, counts: countsOf(row) },
})

/** A tracker obeys settings itself. */
const trackerOf = (cluster: string, id: string, held: Held, nowMs: number): SeenHost => ({
  ...{ cluster, id, kind: 'tracker', names: [id], address: undefined },
  ...{ state: held.tracker.state, generation: held.tracker.state === 'applied' ? held.generation : 0 },
  ...{ told: held.generation, code: held.tracker.code, message: held.tracker.message, seenAtMs: nowMs },
  counts: { pulls: 0, errors: 0, stalls: 0 },
})

/** Numbers of another manager are not ours, and its document is not what we want. */
const underAnother = (host: SeenHost): SeenHost => ({
  ...{ ...host, generation: 0, told: 0, code: undefined, message: undefined },
  state: host.state === 'applied' || host.state === 'failed' ? 'waiting' : host.state,
})

/** All that one tracker knows. @throws what its client throws */
async function askTracker(
  cluster: string,
  { id, admin }: SteeredTrackerClient,
  { nowMs, signal, manager }: AbortOptions & Pick<SightInit, 'nowMs' | 'manager'>,
): Promise<Told> {
  const held = await admin.steering({}, { signal })
  const hosts = [trackerOf(cluster, id, held, nowMs)]
  let last: string | undefined
  do {
    const page = await admin.steeringHosts({ n: PAGE, last }, { signal })
    hosts.push(...page.hosts.map((row) => hostOf(cluster, held.generation, row)))
    last = page.next
  } while (last !== undefined && hosts.length < MAX_HOSTS)
  const isOurs = held.document === undefined || held.document.manager === manager
  return { hosts: isOurs ? hosts : hosts.map(underAnother), isWhole: held.isWhole !== false }
}

/**
 * Of what several trackers say of a host, what it has told last counts. Each goes by its own clock, so first comes one for
 * which the host is there, and then one that has a document of ours.
 */
function merged(lists: readonly (readonly SeenHost[])[]): readonly SeenHost[] {
  const found = new Map<string, SeenHost>()
  for (const host of lists.flat()) {
    const key = `${host.kind} ${host.id}`
    const other = found.get(key)
    if (other === undefined || isBetter(host, other)) found.set(key, host)
  }
  return [...found.values()]
}

const isBetter = (a: SeenHost, b: SeenHost): boolean => {
  const isThere = ({ state }: SeenHost) => Number(state !== 'away')
  const isTold = ({ told }: SeenHost) => Number(told > 0)
  const order = isThere(a) - isThere(b) || isTold(a) - isTold(b) || a.seenAtMs - b.seenAtMs || a.told - b.told
  return order > 0
}

export interface SightInit extends AbortOptions {
  readonly nowMs: number
  /** The name by which trackers know this manager. */
  readonly manager: string
  readonly onFailure: (tracker: string, err: unknown) => void
}

export interface LookComponents {
  readonly clock: Clock
  readonly logger: Logger
  readonly clusters: SteeredClusters
  /** The name by which trackers know this manager. */
  readonly manager: () => string
}

/** Who is silent for longer is away. */
const CALL_MS = 10_000

/** Asks the trackers of a cluster what they know of its hosts; each host once. */
export async function lookAtHosts(
  { clock, logger, clusters, manager }: LookComponents,
  cluster: string,
  { signal }: AbortOptions = {},
): Promise<ClusterSight> {
  const limit = deadline(clock, CALL_MS, signal)
  const onFailure = (tracker: string, err: unknown) =>
    logger.debug('failed to ask a tracker for its hosts', { cluster, tracker, err })
  try {
    const init = { onFailure, nowMs: Math.floor(clock.now()), manager: manager(), signal: limit.signal }
    return await sightOf(clusters, cluster, init)
  } finally {
    limit.release()
  }
}

async function sightOf(
  clusters: SteeredClusters,
  cluster: string,
  { onFailure, ...init }: SightInit,
): Promise<ClusterSight> {
  const asked = clusters.trackers(cluster).map(async (tracker) => {
    try {
      return await askTracker(cluster, tracker, init)
    } catch (err) {
      if (codeOf(err) !== 'ABORTED') onFailure(tracker.id, err)
      return undefined
    }
  })
  const told = (await Promise.all(asked)).filter((each) => each !== undefined)
  // Hosts ask every tracker, so one that knows them all suffices.
  return { cluster, hosts: merged(told.map(({ hosts }) => hosts)), isWhole: told.some(({ isWhole }) => isWhole) }
}
