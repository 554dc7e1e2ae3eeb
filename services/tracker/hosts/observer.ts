import type { AnnounceTorrent, AnnouncingPeer } from '../../../lib/api/index.ts'
import { type Digest, parsePeerId, type Repository, type SwarmId } from '../../../lib/core/index.ts'
import { callerAt, isLoopback } from '../../../lib/identity/index.ts'
import type { EventLog } from '../events/event-log.ts'
import { ownerByKey } from '../owner.ts'
import type { PeerEntry } from '../swarm.ts'
import type { Feeds } from './feeds.ts'
import type { HostBook } from './host-book.ts'
import type { HostHealth } from './host-health.ts'
import type { SwarmNames } from './swarm-names.ts'

export interface ObserverComponents {
  readonly book: HostBook
  readonly feeds: Feeds
  readonly health: Pick<HostHealth, 'reported'>
  readonly names: SwarmNames
  readonly events: Pick<EventLog, 'add'>
}

type Happening = 'join' | 'complete' | 'leave'

/** Notes what announces say beside who downloads what: for people, and for the order of peers. */
export interface Observer {
  /** A node has announced itself. */
  seen(host: string, peer: AnnouncingPeer, ttlMs: number): void
  /** The blob of a swarm, and a repository that has it. */
  named(swarmId: SwarmId, digest: Digest, repository: Repository | undefined): void
  /** What a node says of others in a swarm. */
  reported(by: Pick<PeerEntry, 'peerId' | 'host'>, swarmId: SwarmId, reports: AnnounceTorrent['reports']): void
  /** A peer of a swarm has come, has the whole blob, or has gone. */
  happened(what: Happening, swarmId: SwarmId, entry: Pick<PeerEntry, 'peerId' | 'host' | 'role'>): void
}

const peerIdIn = (text: string) => (/^[0-9a-f]{40}$/.test(text) ? parsePeerId(text) : undefined)

/** Whose word it is: that of a machine, or of a process where all are on one. */
const askerOf = ({ peerId, host }: Pick<PeerEntry, 'peerId' | 'host'>) => (isLoopback(host) ? peerId : callerAt(host))

export function observer({ book, feeds, health, names, events }: ObserverComponents): Observer {
  return {
    seen(host, { key, ...facts }, ttlMs) {
      book.seen({ ...facts, host }, ownerByKey(key), ttlMs)
    },
    named: (swarmId, digest, repository) => names.note(swarmId, digest, repository),
    reported(by, swarmId, reports) {
      for (const { peerId, receivedBytes: bytes, failures, costMs } of reports) {
        const from = peerIdIn(peerId)
        if (from === undefined || bytes + failures === 0) continue
        feeds.reported(swarmId, { from, to: by.peerId, bytes, failures })
        // Nobody judges itself, and nobody can fill the memory with peers that are not there.
        const host = book.of(from)
        if (host !== undefined && askerOf(host) !== askerOf(by))
          health.reported(askerOf(by), from, { bytes, failures, costMs })
      }
    },
    happened(what, swarmId, { peerId, host, role }) {
      events.add(what, { swarmId, digest: names.of(swarmId)?.digest, peerId, host, role })
    },
  }
}
