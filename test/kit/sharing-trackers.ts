import type { AnnouncingPeer } from '../../lib/api/index.ts'
import { type Random, seededRandom, systemClock } from '../../lib/base/index.ts'
import { digestOf, newPeerId, type PeerInfo, parseRepository, peerIdOf, swarmIdOf } from '../../lib/core/index.ts'
import { recordingMetrics, silentLogger } from '../../lib/telemetry/index.ts'
import { noPeerStore, type PeerStore } from '../../services/tracker/peer-store/peer-store.ts'
import { type RedisPeerStoreInit, redisPeerStore } from '../../services/tracker/peer-store/redis-peer-store.ts'
import { storeMeters } from '../../services/tracker/peer-store/store-meters.ts'
import { trackerLabOn } from './tracker-lab.ts'

const repository = parseRepository('library/nginx')
const random: Random = seededRandom(7)

/** A blob that several peers want. */
export function wantedBlob(name: string) {
  const digest = digestOf(Buffer.from(name))
  return { digest, swarmId: swarmIdOf(digest) }
}
type WantedBlob = ReturnType<typeof wantedBlob>

/** A node as it announces itself; its id is made from its key, as those of our agents are. */
export function provenPeer(given: Partial<AnnouncingPeer> = {}): AnnouncingPeer {
  const key = given.key ?? Buffer.from(random.bytes(16)).toString('hex')
  return { peerId: peerIdOf(key), key, port: 1024 + Math.floor(random.next() * 60_000), role: 'agent', ...given }
}

/** A stock client, whose id says nothing of its key. */
export const stockPeer = (given: Partial<AnnouncingPeer> = {}) => provenPeer({ peerId: newPeerId(random), ...given })

export interface SharingTrackerInit {
  /** Where it shares its peers; default: nowhere. */
  readonly redis?: RedisPeerStoreInit
  /** Of the announces; a silent peer is forgotten after 2.5 of them. Default 60 s. */
  readonly intervalMs?: number
}

interface AnnounceGiven {
  readonly host?: string
  readonly leftBytes?: number
  readonly event?: 'started' | 'stopped'
}

/** A tracker without a server, on the real clock; started. */
export async function sharingTracker({ redis, intervalMs = 60_000 }: SharingTrackerInit) {
  const clock = systemClock()
  const metrics = recordingMetrics()
  const settings = { perSecond: 1000, minMs: intervalMs, maxMs: intervalMs }
  const store = (known: Pick<ReturnType<typeof trackerLabOn>, 'registry' | 'seeds'>): PeerStore =>
    redis === undefined
      ? noPeerStore()
      : redisPeerStore(
          {
            ...{
              clock,
              random: seededRandom(random.next() * 1e9),
              logger: silentLogger(),
              meters: storeMeters(metrics),
            },
            ...{ ...known, maxTtlMs: () => intervalMs * 2.5 },
          },
          redis,
        )
  const lab = trackerLabOn(settings, { clock, store })
  await lab.store.start()
  const sequences = new Map<string, number>()

  return {
    ...lab,
    metrics,
    /** What the peer is told. Undefined when its id belongs to somebody else. */
    async announce(
      peer: AnnouncingPeer,
      blob: WantedBlob,
      { host = '10.0.0.1', leftBytes = 100, event = 'started' }: AnnounceGiven = {},
    ): Promise<readonly PeerInfo[] | undefined> {
      await lab.store.ready([blob.swarmId])
      const torrent = { ...blob, repository, event, leftBytes, wantPeers: 50, reports: [] }
      return lab.announcements.batch(host, { peer, torrents: [torrent] }).torrents[0]?.peers
    },
    /** The node's next announce of what it has completely. */
    seed(
      peer: AnnouncingPeer,
      change: { readonly add?: readonly WantedBlob[]; readonly remove?: readonly WantedBlob[] },
    ) {
      const base = sequences.get(peer.peerId)
      const sequence = (base ?? 0) + 1
      sequences.set(peer.peerId, sequence)
      const [add, remove] = [change.add ?? [], change.remove ?? []].map((blobs) => blobs.map(({ swarmId }) => swarmId))
      const seeds = { sequence, ...(base !== undefined && { base }), add: add ?? [], remove: remove ?? [] }
      return lab.announcements.batch('10.0.0.9', { peer, torrents: [], seeds }).seeds
    },
    /** What others are told who come for the first time. */
    async named(blob: WantedBlob): Promise<readonly Pick<PeerInfo, 'peerId' | 'complete'>[]> {
      await lab.store.ready([blob.swarmId])
      const asker = { ...provenPeer(), host: '10.0.0.7', complete: false }
      return lab.naming.best(blob.swarmId, asker, 50).peers.map(({ peerId, complete }) => ({ peerId, complete }))
    },
    [Symbol.asyncDispose]: () => lab.store.stop(),
  }
}
export type SharingTracker = Awaited<ReturnType<typeof sharingTracker>>
