import {
  type AnnounceAnswer,
  type AnnounceBatch,
  type AnnounceTorrent,
  type AnnouncingPeer,
  announceLimits,
  type SeedAnswer,
  type SeedChanges,
} from '../../lib/api/index.ts'
import { appError, type Random } from '../../lib/base/index.ts'
import { type Digest, type PeerInfo, type Repository, type SwarmId, swarmIdOf } from '../../lib/core/index.ts'
import type { Counter, Metrics } from '../../lib/telemetry/index.ts'
import { announceIntervalMs } from './announce-interval.ts'
import type { Control } from './control/control.ts'
import type { Observer } from './hosts/observer.ts'
import type { Naming } from './naming.ts'
import { ownerByKey } from './owner.ts'
import type { PeerRegistry } from './peer-registry.ts'
import type { PeerStore } from './peer-store/peer-store.ts'
import type { SeedingNode, SeedOutcome, SeedRegistry } from './seeds/seed-registry.ts'
import type { PeerEntry } from './swarm.ts'

/** An entry lives for this many intervals without a new announce, so one announce may be lost. */
export const LIFETIME_INTERVALS = 2.5
/** Kinds of announces; `refused` counts those whose peer id belongs to another key. */
const outcomes = ['started', 'interval', 'completed', 'stopped', 'refused'] as const
type Outcome = (typeof outcomes)[number]
/** What an event of an announce means to those who watch. */
const happenings = { started: 'join', completed: 'complete', stopped: 'leave' } as const
const seedOutcomes = ['taken', 'unknown', 'late', 'refused', 'full'] as const satisfies readonly SeedOutcome[]

/** One announce for one swarm, received over BEP 3 or over our own protocol. */
export interface SwarmAnnounce {
  readonly swarmId: SwarmId
  readonly event: Exclude<Outcome, 'refused'>
  readonly entry: PeerEntry
  readonly wantPeers: number
  /** What the peer lacks, if it says so. */
  readonly leftBytes?: number
  /** More about the place of the peer; used for this answer, and not kept. */
  readonly labels?: AnnouncingPeer['labels']
  /** The network that the peer is in; likewise. */
  readonly network?: AnnouncingPeer['network'] | undefined
  /** The blob, and where it is, if the peer says so. */
  readonly blob?: { readonly digest: Digest; readonly repository: Repository | undefined }
}

export interface SwarmAnswer {
  readonly intervalMs: number
  /** The best peer first. */
  readonly peers: readonly PeerInfo[]
}

/** Handles announces: keeps, renews or drops the entry, and answers with the peers to ask. */
export interface Announcements {
  /** Undefined when the peer id belongs to another key. @throws HOST_BANNED */
  one(announce: SwarmAnnounce): SwarmAnswer | undefined
  /** Whether there is a peer to name to the asker. */
  readonly knowsOthers: Naming['knowsOthers']
  /** The peer as it is told to a node of that network; undefined when such a node does not reach it. */
  readonly addressed: Naming['addressed']
  /** Notes what a node says of itself; its peer id is its own. */
  readonly met: (host: string, peer: AnnouncingPeer) => void
  /** @throws HOST_BANNED */
  readonly assertNotBanned: (node: Pick<PeerEntry, 'peerId' | 'host'>) => void
  /**
   * Announces all torrents of a batch for the peer at `host`, and then its seeds; the answer leaves refused torrents out.
   * @throws HOST_BANNED; BODY_INVALID when a swarm id does not fit its digest, or the peer would have too many seeds
   */
  batch(host: string, batch: AnnounceBatch): AnnounceAnswer
}

export interface AnnouncementsComponents {
  readonly registry: PeerRegistry
  readonly seeds: SeedRegistry
  readonly store: Pick<PeerStore, 'put' | 'left' | 'seeded'>
  readonly naming: Naming
  readonly observer: Observer
  readonly control: Pick<Control, 'markOf' | 'now'>
  readonly random: Random
  readonly metrics: Metrics
  /** An origin begins to bring the blob of the swarm. */
  readonly onBringing: (swarmId: SwarmId, origin: PeerInfo) => void
}

export function announcements(components: AnnouncementsComponents): Announcements {
  const { registry, seeds, naming, observer, control, random } = components
  const meters = announceMeters(components.metrics)

  const measured = <T>(result: T): T => {
    meters.note(registry, seeds)
    return result
  }
  /** A download announces by itself, and a node all its seeds at once. */
  const intervalMs = () => announceIntervalMs(registry.peers + seeds.nodes, control.now, random)

  const one = swarmAnswers(components, { meters, intervalMs })

  const seeding = (node: SeedingNode, changes: SeedChanges): SeedAnswer => {
    const dueMs = intervalMs()
    const ttlMs = dueMs * LIFETIME_INTERVALS
    const outcome = seeds.announce(node, { ...changes, base: changes.base }, ttlMs)
    meters.seedAnnounces[outcome].add()
    if (outcome === 'taken') shareSeeds(components, node, { changes, ttlMs })
    return { sequence: outcome === 'refused' ? 0 : seeds.sequenceOf(node.peerId), intervalMs: dueMs }
  }

  const assertNotBanned = bannedCheck(control)
  const met: Announcements['met'] = (host, peer) => observer.seen(host, peer, intervalMs() * LIFETIME_INTERVALS)

  return {
    one(announce) {
      assertNotBanned(announce.entry)
      return measured(one(announce))
    },
    knowsOthers: (...asked) => naming.knowsOthers(...asked),
    addressed: (...peer) => naming.addressed(...peer),
    met,
    assertNotBanned,
    batch(host, { peer, torrents, seeds: changes }) {
      assertNotBanned({ peerId: peer.peerId, host })
      // Others are told of it at once, at its address in their networks.
      if (peer.role === 'origin') met(host, peer)
      for (const torrent of torrents) assertSwarmOfDigest(torrent)
      // All swarms of the batch share these two, which are most of the memory of an entry.
      const incomplete = downloading(host, peer)
      const complete: PeerEntry = { ...incomplete, complete: true }
      const answers = torrents.flatMap((torrent) => {
        const { swarmId, event, leftBytes, wantPeers, digest, repository, reports } = torrent
        const entry = leftBytes === 0 ? complete : incomplete
        const answer = one({
          swarmId,
          event,
          entry,
          wantPeers,
          leftBytes,
          blob: { digest, repository },
          labels: peer.labels,
          network: peer.network,
        })
        if (answer === undefined) return []
        observer.reported(entry, swarmId, reports)
        return [{ swarmId, ...answer }]
      })
      const told = changes === undefined ? {} : { seeds: seeding(seedingNode(host, peer), changes) }
      const refused = answers.length < torrents.length || told.seeds?.sequence === 0
      if (!refused) met(host, peer)
      return measured({ torrents: answers, ...told })
    },
  }
}

interface Reckoning {
  readonly meters: AnnounceMeters
  readonly intervalMs: () => number
}

/** Takes one announce, and answers it; undefined when the peer id belongs to another key. */
function swarmAnswers(components: AnnouncementsComponents, { meters, intervalMs }: Reckoning) {
  const { seeds, naming, observer, onBringing } = components
  return (announce: SwarmAnnounce): SwarmAnswer | undefined => {
    const { swarmId, event, entry, wantPeers, blob } = announce
    const dueMs = intervalMs()
    const over = event === 'stopped' || (entry.complete && seeds.has(swarmId, entry.peerId))
    const taken = settle(components, announce, over ? undefined : dueMs * LIFETIME_INTERVALS)
    meters.announces[taken ? event : 'refused'].add()
    if (!taken) return undefined
    if (event === 'started' && entry.role === 'origin' && !entry.complete) onBringing(swarmId, infoOf(entry))
    if (blob !== undefined) observer.named(swarmId, blob.digest, blob.repository)
    if (event !== 'interval') observer.happened(happenings[event], swarmId, entry)
    const limit = event === 'stopped' ? 0 : Math.min(wantPeers, announceLimits.maxPeers)
    if (limit === 0) return { intervalMs: dueMs, peers: [] }
    const { peers, againMs = dueMs } = naming.best(
      swarmId,
      { ...entry, labels: announce.labels, network: announce.network, leftBytes: announce.leftBytes },
      limit,
    )
    return { intervalMs: Math.min(dueMs, againMs), peers }
  }
}

const infoOf = ({ peerId, host, port, role, complete }: PeerEntry): PeerInfo => ({ peerId, host, port, role, complete })

/** The node at `host` as one that seeds. */
const seedingNode = (host: string, { peerId, key, port, role, zone }: AnnouncingPeer): SeedingNode => ({
  ...{ peerId, key: ownerByKey(key), host, port, role, zone },
})

/** @throws HOST_BANNED */
const bannedCheck = (control: Pick<Control, 'markOf'>) => (node: Pick<PeerEntry, 'peerId' | 'host'>) => {
  const ban = control.markOf('ban', node)
  if (ban === undefined) return
  const { reason, untilMs } = ban
  throw appError('HOST_BANNED', { detail: { reason, ...(untilMs !== undefined && { untilMs }) } })
}

type Kept = Pick<AnnouncementsComponents, 'registry' | 'store'>

/**
 * Keeps or renews the entry for `ttlMs`, or without it drops the entry; in memory and where it is shared. False when the
 * peer id belongs to another key.
 */
function settle({ registry, store }: Kept, announce: SwarmAnnounce, ttlMs: number | undefined): boolean {
  const { swarmId, entry, leftBytes } = announce
  if (ttlMs === undefined) {
    const taken = registry.leave(swarmId, entry)
    if (taken) store.left(swarmId, entry)
    return taken
  }
  const taken = registry.announce(swarmId, entry, ttlMs, leftBytes)
  if (taken) store.put(swarmId, entry, ttlMs, leftBytes)
  return taken
}

/** Shares what has changed of a node's complete blobs. What it has become complete with is no download any more. */
function shareSeeds(
  { registry, store }: Kept,
  node: SeedingNode,
  { changes, ttlMs }: { readonly changes: SeedChanges; readonly ttlMs: number },
): void {
  store.seeded(node, changes, ttlMs)
  for (const swarmId of changes.add) {
    if (registry.swarmsOf(node.peerId).has(swarmId)) store.left(swarmId, node)
    registry.leave(swarmId, node)
  }
}

/** The entry of the peer at `host` for what it downloads. */
export function downloading(host: string, { peerId, key, port, role, zone }: AnnouncingPeer): PeerEntry {
  return { peerId, key: ownerByKey(key), host, port, role, complete: false, zone }
}

function assertSwarmOfDigest({ swarmId, digest }: AnnounceTorrent): void {
  if (swarmIdOf(digest) === swarmId) return
  throw appError('BODY_INVALID', { message: 'the swarm id does not fit the digest', detail: { swarmId, digest } })
}

interface AnnounceMeters {
  readonly announces: Readonly<Record<Outcome, Counter>>
  readonly seedAnnounces: Readonly<Record<SeedOutcome, Counter>>
  note(registry: Pick<PeerRegistry, 'peers' | 'swarms'>, seeds: Pick<SeedRegistry, 'nodes' | 'seeds' | 'swarms'>): void
}

function announceMeters(metrics: Metrics): AnnounceMeters {
  const family = metrics.counter(
    { name: 'shoal_tracker_announces_total', help: 'Announces by event, counted once for each torrent.' },
    ['event'],
  )
  const seedFamily = metrics.counter(
    { name: 'shoal_tracker_seed_announces_total', help: 'Announces of all that a node has completely, by outcome.' },
    ['outcome'],
  )
  const gauge = (name: string, help: string) => metrics.gauge({ name, help }).with({})
  const gauges = {
    peers: gauge('shoal_tracker_peers', 'Entries of downloads and of stock clients, as of the last announce.'),
    nodes: gauge('shoal_tracker_nodes', 'Nodes that have announced complete blobs, as of the last announce.'),
    seeds: gauge('shoal_tracker_seeds', 'Complete blobs of all nodes together, as of the last announce.'),
    swarms: gauge('shoal_tracker_swarms', 'Swarms with at least one entry, as of the last announce.'),
    seededSwarms: gauge('shoal_tracker_seeded_swarms', 'Blobs that a node has completely, as of the last announce.'),
  }
  return {
    announces: Object.fromEntries(
      outcomes.map((event) => [event, family.with({ event })]),
    ) as AnnounceMeters['announces'],
    seedAnnounces: Object.fromEntries(
      seedOutcomes.map((outcome) => [outcome, seedFamily.with({ outcome })]),
    ) as AnnounceMeters['seedAnnounces'],
    note(registry, seeds) {
      gauges.peers.set(registry.peers)
      gauges.nodes.set(seeds.nodes)
      gauges.seeds.set(seeds.seeds)
      gauges.swarms.set(registry.swarms)
      gauges.seededSwarms.set(seeds.swarms)
    },
  }
}
