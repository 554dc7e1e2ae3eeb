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
import { type PeerInfo, type SwarmId, swarmIdOf } from '../../lib/core/index.ts'
import type { Counter, Gauge, Metrics } from '../../lib/telemetry/index.ts'
import { announceIntervalMs, type IntervalPolicy } from './announce-interval.ts'
import { ownerByKey } from './owner.ts'
import type { PeerRegistry } from './peer-registry.ts'
import type { PeerOrder } from './policy/peer-order.ts'
import { reaches } from './reach.ts'
import type { SeedOutcome, SeedRegistry } from './seeds/seed-registry.ts'
import type { PeerEntry } from './swarm.ts'

/** An entry lives for this many intervals without a new announce, so one announce may be lost. */
const LIFETIME_INTERVALS = 2.5
/** Kinds of announces; `refused` counts those whose peer id belongs to another key. */
const outcomes = ['started', 'interval', 'completed', 'stopped', 'refused'] as const
type Outcome = (typeof outcomes)[number]
const seedOutcomes = ['taken', 'unknown', 'late', 'refused', 'full'] as const satisfies readonly SeedOutcome[]

/** One announce for one swarm, received over BEP 3 or over our own protocol. */
export interface SwarmAnnounce {
  readonly swarmId: SwarmId
  readonly event: Exclude<Outcome, 'refused'>
  readonly entry: PeerEntry
  readonly wantPeers: number
}

export interface SwarmAnswer {
  readonly intervalMs: number
  /** The best peer first. */
  readonly peers: readonly PeerInfo[]
}

/** Handles announces: keeps, renews or drops the entry, and answers with the peers to ask. */
export interface Announcements {
  /** Undefined when the peer id belongs to another key. */
  one(announce: SwarmAnnounce): SwarmAnswer | undefined
  /** Whether there is a peer to name to the asker. */
  knowsOthers(swarmId: SwarmId, asker: PeerEntry): boolean
  /**
   * Announces all torrents of a batch for the peer at `host`, and then its seeds; the answer leaves refused torrents out.
   * @throws BODY_INVALID when a swarm id does not fit its digest, or the peer would have too many seeds
   */
  batch(host: string, batch: AnnounceBatch): AnnounceAnswer
}

export interface AnnouncementsComponents {
  readonly registry: PeerRegistry
  readonly seeds: SeedRegistry
  readonly order: PeerOrder
  readonly random: Random
  readonly metrics: Metrics
}

export function announcements(
  { registry, seeds, order, random, metrics }: AnnouncementsComponents,
  interval: IntervalPolicy,
): Announcements {
  const meters = announceMeters(metrics)

  const measured = <T>(result: T): T => {
    meters.peers.set(registry.peers)
    meters.nodes.set(seeds.nodes)
    meters.seeds.set(seeds.seeds)
    meters.swarms.set(registry.swarms)
    meters.seededSwarms.set(seeds.swarms)
    return result
  }
  /** A download announces by itself, and a node all its seeds at once. */
  const intervalMs = () => announceIntervalMs(registry.peers + seeds.nodes, interval, random)

  const one = ({ swarmId, event, entry, wantPeers }: SwarmAnnounce): SwarmAnswer | undefined => {
    const dueMs = intervalMs()
    const over = event === 'stopped' || (entry.complete && seeds.has(swarmId, entry.peerId))
    const taken = over ? registry.leave(swarmId, entry) : registry.announce(swarmId, entry, dueMs * LIFETIME_INTERVALS)
    meters.announces[taken ? event : 'refused'].add()
    if (!taken) return undefined
    const limit = event === 'stopped' ? 0 : Math.min(wantPeers, announceLimits.maxPeers)
    return { intervalMs: dueMs, peers: limit === 0 ? [] : bestPeers(swarmId, entry, limit) }
  }

  /** A peer with an entry of its own is named as the entry says: it may have lost the blob and be pulling it again. */
  const bestPeers = (swarmId: SwarmId, asker: PeerEntry, limit: number) => {
    const entries = registry.sample(swarmId, announceLimits.maxPeers)
    const known = new Set(entries.map(({ peerId }) => peerId))
    const others = seeds.sample(swarmId, announceLimits.maxPeers).filter(({ peerId }) => !known.has(peerId))
    const near = [...entries, ...others].filter(({ host }) => reaches(asker.host, host))
    return order(asker, near, random).slice(0, limit)
  }

  const seeding = (host: string, { peerId, key, port, role }: AnnouncingPeer, changes: SeedChanges): SeedAnswer => {
    const dueMs = intervalMs()
    const owner = ownerByKey(key)
    const { sequence, base, add, remove } = changes
    const outcome = seeds.announce(
      { peerId, key: owner, host, port, role },
      { sequence, base, add, remove },
      dueMs * LIFETIME_INTERVALS,
    )
    meters.seedAnnounces[outcome].add()
    if (outcome === 'taken') for (const swarmId of add) registry.leave(swarmId, { peerId, key: owner })
    return { sequence: outcome === 'refused' ? 0 : seeds.sequenceOf(peerId), intervalMs: dueMs }
  }

  return {
    one: (announce) => measured(one(announce)),
    knowsOthers: (swarmId, asker) =>
      [registry, seeds].some((known) => known.sample(swarmId, 2).some((peer) => mayName(peer, asker))),
    batch(host, { peer, torrents, seeds: changes }) {
      for (const torrent of torrents) assertSwarmOfDigest(torrent)
      // All swarms of the batch share these two, which are most of the memory of an entry.
      const incomplete = downloading(host, peer)
      const complete: PeerEntry = { ...incomplete, complete: true }
      const answers = torrents.flatMap(({ swarmId, event, leftBytes, wantPeers }) => {
        const answer = one({ swarmId, event, entry: leftBytes === 0 ? complete : incomplete, wantPeers })
        return answer === undefined ? [] : [{ swarmId, ...answer }]
      })
      const told = changes === undefined ? {} : { seeds: seeding(host, peer, changes) }
      return measured({ torrents: answers, ...told })
    },
  }
}

function mayName(peer: PeerInfo, { peerId, host }: PeerEntry): boolean {
  return peer.peerId !== peerId && reaches(host, peer.host)
}

/** The entry of the peer at `host` for what it downloads. */
export function downloading(host: string, { peerId, key, port, role }: AnnouncingPeer): PeerEntry {
  return { peerId, key: ownerByKey(key), host, port, role, complete: false }
}

function assertSwarmOfDigest({ swarmId, digest }: AnnounceTorrent): void {
  if (swarmIdOf(digest) === swarmId) return
  throw appError('BODY_INVALID', { message: 'the swarm id does not fit the digest', detail: { swarmId, digest } })
}

interface AnnounceMeters {
  readonly announces: Readonly<Record<Outcome, Counter>>
  readonly seedAnnounces: Readonly<Record<SeedOutcome, Counter>>
  readonly peers: Gauge
  readonly nodes: Gauge
  readonly seeds: Gauge
  readonly swarms: Gauge
  readonly seededSwarms: Gauge
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
  return {
    announces: Object.fromEntries(
      outcomes.map((event) => [event, family.with({ event })]),
    ) as AnnounceMeters['announces'],
    seedAnnounces: Object.fromEntries(
      seedOutcomes.map((outcome) => [outcome, seedFamily.with({ outcome })]),
    ) as AnnounceMeters['seedAnnounces'],
    peers: gauge('shoal_tracker_peers', 'Entries of downloads and of stock clients, as of the last announce.'),
    nodes: gauge('shoal_tracker_nodes', 'Nodes that have announced complete blobs, as of the last announce.'),
    seeds: gauge('shoal_tracker_seeds', 'Complete blobs of all nodes together, as of the last announce.'),
    swarms: gauge('shoal_tracker_swarms', 'Swarms with at least one entry, as of the last announce.'),
    seededSwarms: gauge('shoal_tracker_seeded_swarms', 'Blobs that a node has completely, as of the last announce.'),
  }
}
