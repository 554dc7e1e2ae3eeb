import {
  type AnnounceBatch,
  type AnnounceTorrent,
  type AnnounceTorrentAnswer,
  announceLimits,
} from '../../lib/api/index.ts'
import { appError, type Random } from '../../lib/base/index.ts'
import { type PeerInfo, type SwarmId, swarmIdOf } from '../../lib/core/index.ts'
import type { Counter, Gauge, Metrics } from '../../lib/telemetry/index.ts'
import { announceIntervalMs, type IntervalPolicy } from './announce-interval.ts'
import type { PeerRegistry } from './peer-registry.ts'
import type { PeerOrder } from './policy/peer-order.ts'
import type { PeerEntry } from './swarm.ts'

/** An entry lives for this many intervals without a new announce, so one announce may be lost. */
const LIFETIME_INTERVALS = 2.5
/** Kinds of announces; `refused` counts those whose peer id belongs to another key. */
const outcomes = ['started', 'interval', 'completed', 'stopped', 'refused'] as const
type Outcome = (typeof outcomes)[number]

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
  /**
   * Announces all torrents of a batch for the peer at `host`; the answer leaves refused torrents out.
   * @throws BODY_INVALID when a swarm id does not fit its digest
   */
  batch(host: string, batch: AnnounceBatch): readonly AnnounceTorrentAnswer[]
}

export interface AnnouncementsComponents {
  readonly registry: PeerRegistry
  readonly order: PeerOrder
  readonly random: Random
  readonly metrics: Metrics
}

export function announcements(
  { registry, order, random, metrics }: AnnouncementsComponents,
  interval: IntervalPolicy,
): Announcements {
  const meters = announceMeters(metrics)

  const one = ({ swarmId, event, entry, wantPeers }: SwarmAnnounce): SwarmAnswer | undefined => {
    const intervalMs = announceIntervalMs(registry.peers, interval, random)
    const taken =
      event === 'stopped'
        ? registry.leave(swarmId, entry)
        : registry.announce(swarmId, entry, intervalMs * LIFETIME_INTERVALS)
    meters.announces[taken ? event : 'refused'].add()
    meters.peers.set(registry.peers)
    meters.swarms.set(registry.swarms)
    if (!taken) return undefined
    const limit = event === 'stopped' ? 0 : Math.min(wantPeers, announceLimits.maxPeers)
    return { intervalMs, peers: limit === 0 ? [] : bestPeers(swarmId, entry, limit) }
  }

  const bestPeers = (swarmId: SwarmId, asker: PeerEntry, limit: number) =>
    order(asker, registry.sample(swarmId, announceLimits.maxPeers), random).slice(0, limit)

  return {
    one,
    batch(host, { peer, torrents }) {
      for (const torrent of torrents) assertSwarmOfDigest(torrent)
      return torrents.flatMap(({ swarmId, event, leftBytes, wantPeers }) => {
        const { peerId, key, port, role } = peer
        const entry = { peerId, key: `key ${key}`, host, port, role, complete: leftBytes === 0 }
        const answer = one({ swarmId, event, entry, wantPeers })
        return answer === undefined ? [] : [{ swarmId, ...answer }]
      })
    },
  }
}

function assertSwarmOfDigest({ swarmId, digest }: AnnounceTorrent): void {
  if (swarmIdOf(digest) === swarmId) return
  throw appError('BODY_INVALID', { message: 'the swarm id does not fit the digest', detail: { swarmId, digest } })
}

interface AnnounceMeters {
  readonly announces: Readonly<Record<Outcome, Counter>>
  readonly peers: Gauge
  readonly swarms: Gauge
}

function announceMeters(metrics: Metrics): AnnounceMeters {
  const family = metrics.counter(
    { name: 'shoal_tracker_announces_total', help: 'Announces by event, counted once for each torrent.' },
    ['event'],
  )
  const gauge = (name: string, help: string) => metrics.gauge({ name, help }).with({})
  return {
    announces: Object.fromEntries(
      outcomes.map((event) => [event, family.with({ event })]),
    ) as AnnounceMeters['announces'],
    peers: gauge('shoal_tracker_peers', 'Entries of all swarms, as of the last announce.'),
    swarms: gauge('shoal_tracker_swarms', 'Swarms with at least one peer, as of the last announce.'),
  }
}
