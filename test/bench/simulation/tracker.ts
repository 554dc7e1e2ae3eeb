import { announceLimits } from '../../../lib/api/index.ts'
import { type PeerId, parseSwarmId } from '../../../lib/core/index.ts'
import { announceIntervalMs } from '../../../services/tracker/announce-interval.ts'
import { crossings } from '../../../services/tracker/crossings.ts'
import { looksAtZones, policies } from '../../../services/tracker/policy/policies.ts'
import { type PeerEntry, type Swarm, swarm } from '../../../services/tracker/swarm.ts'
import type { Torrent } from './model.ts'
import type { Setting } from './setting.ts'

/** As config/tracker/base.yaml has them. */
const INTERVAL = { perSecond: 1_000, minMs: 5_000, maxMs: 120_000 }

export interface SimulatedAnswer {
  /** The best first. */
  readonly peers: readonly Torrent[]
  readonly intervalMs: number
}

/** One tracker with the real list of peers and the real order of them. */
export class SimulatedTracker {
  readonly #setting: Setting
  readonly #crossings
  readonly #swarms: readonly { readonly swarm: Swarm; readonly torrents: Map<PeerId, Torrent> }[]

  constructor(setting: Setting) {
    const { scenario, random } = setting
    const most = scenario.agents + scenario.origins
    this.#setting = setting
    this.#crossings = crossings({ monotonicMs: () => setting.timeline.nowMs }, { maxCrossings: 9_999 })
    const watcher = { added: () => undefined, dropped: () => undefined }
    this.#swarms = scenario.layers.map((_, layer) => ({
      swarm: swarm(parseSwarmId(layer.toString(16).padStart(40, '0')), { random, maxPeers: most, watcher }),
      torrents: new Map<PeerId, Torrent>(),
    }))
  }

  announce(torrent: Torrent, wantPeers: number): SimulatedAnswer {
    const { random, timeline, scenario } = this.#setting
    const known = this.#swarms[torrent.layer]
    if (known === undefined) return { peers: [], intervalMs: INTERVAL.maxMs }
    const entry = entryOf(torrent)
    known.swarm.put(entry, Number.POSITIVE_INFINITY, torrent.leftBytes)
    known.torrents.set(entry.peerId, torrent)
    const intervalMs = announceIntervalMs(known.swarm.size * this.#swarms.length, INTERVAL, random)
    if (wantPeers === 0) return { peers: [], intervalMs }
    const { policy } = scenario
    const zone = looksAtZones(policy) ? entry.zone : undefined
    const sample = known.swarm.sample({ limit: announceLimits.maxPeers, zone }, timeline.nowMs)
    const crossing = { swarmId: known.swarm.id, zone: entry.zone ?? '', peerId: entry.peerId }
    const crosses = this.#crossings.open(crossing, (id) => known.torrents.get(id)?.host.gone === false)
    const asker = { ...entry, crosses }
    const peers = policies[policy](asker, sample, random).slice(0, Math.min(wantPeers, announceLimits.maxPeers))
    if (crosses && peers.some((peer) => peer.zone !== entry.zone)) this.#crossings.taken(crossing)
    return { peers: peers.flatMap(({ peerId }) => known.torrents.get(peerId) ?? []), intervalMs }
  }
}

function entryOf({ host, complete }: Torrent): PeerEntry {
  const { peerId, role, index, zone } = host.init
  return { peerId, role, host: `host-${index}`, port: 1, key: peerId, complete, zone: `zone-${zone}` }
}
