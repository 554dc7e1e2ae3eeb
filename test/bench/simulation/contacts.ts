import { shuffled } from '../../../lib/base/index.ts'
import { chooseServed } from '../../../lib/swarm/picker/index.ts'
import { type Candidate, Connection, type Host, latencyMs, type Torrent } from './model.ts'
import type { Requests } from './requests.ts'
import type { Setting } from './setting.ts'

/** As in the engine's `Dialer`. */
const RETRY = { baseMs: 1_000, maxMs: 30_000 }
const MAX_FAILURES = 6
const MAX_CANDIDATES = 200
/** One-way trips until a peer is known (TCP and handshakes), and from then until it is served (interest, unchoke). */
const DIAL_TRIPS = 4
/** The same over a link that is there: the swarm is named, and the answer comes. */
const LANE_TRIPS = 2
const SERVE_TRIPS = 2

/** Who is connected to whom and who is served: the simulator's twin of the engine's `Dialer` and `PeerSet`. */
export class Contacts {
  readonly #setting: Setting
  readonly #requests: Requests

  constructor(setting: Setting, requests: Requests) {
    this.#setting = setting
    this.#requests = requests
  }

  /** A tracker named these, best first. */
  offer(torrent: Torrent, named: readonly Torrent[]): void {
    const known = new Map(torrent.candidates.map((candidate) => [candidate.torrent, candidate]))
    const fresh = named.map((it) => known.get(it) ?? candidateOf(it))
    torrent.candidates = [...new Set([...fresh, ...torrent.candidates])].slice(0, MAX_CANDIDATES)
    this.fill(torrent)
  }

  /** Dials while there is room. */
  fill(torrent: Torrent): void {
    const { limits } = this.#setting.scenario
    const { nowMs } = this.#setting.timeline
    const { host } = torrent
    if (torrent.complete || host.gone) return
    for (const candidate of torrent.candidates) {
      if (torrent.connections.length + torrent.dialling >= limits.maxConnectionsPerTorrentSoft) return
      if (candidate.dialling || nowMs < candidate.notBeforeMs || isConnected(torrent, candidate.torrent)) continue
      const isShared = host.lanes.has(candidate.torrent.host)
      const mayDial = host.halfOpen < limits.maxHalfOpen && host.lanes.size + host.halfOpen < limits.maxConnections
      if (isShared || mayDial) this.#dial(torrent, candidate, isShared)
    }
  }

  tick(torrent: Torrent, nowMs: number): void {
    this.#serve(torrent, nowMs)
    this.fill(torrent)
  }

  /** It has everything: it and its complete peers want nothing of each other. */
  completed(torrent: Torrent): void {
    for (const peer of [...torrent.connections]) {
      peer.ignore()
      if (peer.theirs.complete) this.#close(peer)
    }
    torrent.supply.close()
  }

  vanish(host: Host): void {
    host.gone = true
    for (const torrent of host.torrents) for (const peer of [...torrent.connections]) this.#close(peer)
  }

  #dial(torrent: Torrent, candidate: Candidate, isShared: boolean): void {
    const { timeline, scenario } = this.#setting
    candidate.dialling = true
    torrent.dialling += 1
    if (!isShared) torrent.host.halfOpen += 1
    const tripMs = latencyMs(torrent.host, candidate.torrent.host, scenario)
    const trips = isShared ? LANE_TRIPS : DIAL_TRIPS
    timeline.at(timeline.nowMs + trips * tripMs, { happen: () => this.#settle(torrent, candidate, isShared) })
  }

  #settle(torrent: Torrent, candidate: Candidate, isShared: boolean): void {
    const { limits } = this.#setting.scenario
    const peer = candidate.torrent
    candidate.dialling = false
    torrent.dialling -= 1
    if (!isShared) torrent.host.halfOpen -= 1
    if (torrent.host.gone || torrent.complete || isConnected(torrent, peer)) return
    const isNew = !torrent.host.lanes.has(peer.host)
    const full = [torrent, peer].some(
      ({ connections, host }) =>
        connections.length >= limits.maxConnectionsPerTorrentHard ||
        (isNew && host.lanes.size >= limits.maxConnections),
    )
    if (!full && !peer.host.gone) {
      candidate.failures = 0
      this.#connect(torrent, peer)
      return
    }
    candidate.failures += 1
    if (full) this.#hint(torrent, peer)
    this.#rest(torrent, candidate, full)
    this.fill(torrent)
  }

  #rest(torrent: Torrent, candidate: Candidate, full: boolean): void {
    const { timeline, random } = this.#setting
    if (full) candidate.failures = Math.min(candidate.failures, MAX_FAILURES - 1)
    const waitMs = Math.min(RETRY.maxMs, RETRY.baseMs * 2 ** candidate.failures)
    candidate.notBeforeMs = timeline.nowMs + waitMs * (0.5 + random.next() / 2)
    if (candidate.failures < MAX_FAILURES) return
    torrent.candidates = torrent.candidates.filter((it) => it !== candidate)
  }

  /** A full peer names others with pieces that are in the zone of the one it turns away, agents first. */
  #hint(torrent: Torrent, full: Torrent): void {
    const { limits } = this.#setting.scenario
    const { zone } = torrent.host.init
    const withPieces = full.connections
      .map(({ theirs }) => theirs)
      .filter((it) => it.told.count > 0 && it.host.init.zone === zone)
    const agentsFirst = shuffled(withPieces, this.#setting.random).sort(
      (a, b) => Number(a.host.role === 'origin') - Number(b.host.role === 'origin'),
    )
    const known = new Set(torrent.candidates.map((candidate) => candidate.torrent))
    for (const named of agentsFirst.slice(0, limits.maxNamedPeers)) {
      if (named === torrent || known.has(named) || torrent.candidates.length >= MAX_CANDIDATES) continue
      torrent.candidates.push(candidateOf(named))
    }
  }

  #connect(dialler: Torrent, accepter: Torrent): void {
    const { nowMs } = this.#setting.timeline
    const ends = [dialler, accepter].map((mine) => {
      const theirs = mine === dialler ? accepter : dialler
      return new Connection(mine, theirs, this.#setting)
    })
    const [a, b] = ends as [Connection, Connection]
    a.twin = b
    b.twin = a
    for (const end of ends) {
      end.mine.connections.push(end)
      countLane(end, 1)
      end.mine.ledger?.update(end.id, end.theirs.told, undefined, nowMs)
    }
    const tripMs = latencyMs(dialler.host, accepter.host, this.#setting.scenario)
    this.#setting.timeline.at(nowMs + SERVE_TRIPS * tripMs, { happen: (atMs) => this.#open(ends, atMs) })
  }

  #open(ends: readonly Connection[], nowMs: number): void {
    for (const end of ends) {
      if (end.closed) return
      end.interested = true
      this.#serve(end.mine, nowMs)
    }
  }

  #close(peer: Connection): void {
    const { nowMs } = this.#setting.timeline
    for (const end of [peer, peer.twin]) {
      end.closed = true
      const { connections, bySlot, supply, ledger } = end.mine
      connections.splice(connections.indexOf(end), 1)
      end.ignore()
      countLane(end, -1)
      supply.remove(end)
      bySlot[end.slot] = undefined
      ledger?.remove(end.id, nowMs)
    }
    for (const end of [peer, peer.twin]) this.#requests.drop(end)
    for (const end of [peer, peer.twin]) this.#serve(end.mine, nowMs)
  }

  /** Hands out the upload slots. */
  #serve(torrent: Torrent, nowMs: number): void {
    const { uploadSlots: slots, uploadTurnMs: turnMs } = this.#setting.scenario.limits
    const wanting = torrent.connections.filter(({ interested, theirs }) => interested && !theirs.complete)
    if (wanting.length <= slots && wanting.every(({ servedSinceMs }) => servedSinceMs !== undefined)) return
    const served = chooseServed(wanting, { slots, turnMs, nowMs })
    for (const peer of wanting) {
      const serves = served.has(peer.id)
      if (serves === (peer.servedSinceMs !== undefined)) continue
      peer.servedSinceMs = serves ? nowMs : undefined
      peer.waitingSinceMs = nowMs
      peer.twin.choked = !serves
      peer.twin.exhausted = false
      if (serves) {
        this.#requests.suggest(peer)
        this.#requests.pump(peer.twin)
      } else {
        torrent.ledger?.release(peer.id)
        this.#requests.drop(peer.twin)
      }
    }
  }
}

function candidateOf(torrent: Torrent): Candidate {
  return { torrent, failures: 0, notBeforeMs: 0, dialling: false }
}

function isConnected(torrent: Torrent, peer: Torrent): boolean {
  return torrent.connections.some(({ theirs }) => theirs === peer)
}

/** All torrents of two hosts share one link, which is there as long as one of them uses it. */
function countLane({ mine, theirs }: Connection, change: 1 | -1): void {
  const { lanes } = mine.host
  const count = (lanes.get(theirs.host) ?? 0) + change
  if (count > 0) lanes.set(theirs.host, count)
  else lanes.delete(theirs.host)
}
