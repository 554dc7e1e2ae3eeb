import { Bitset, shuffled } from '../../../lib/base/index.ts'
import { chooseServed } from '../../../lib/swarm/picker/index.ts'
import { type Candidate, Connection, type Host, latencyMs, type Setting, TOLD, type Torrent } from './model.ts'
import type { Requests } from './requests.ts'

/** As in the engine's `Dialer`. */
const RETRY = { baseMs: 1_000, maxMs: 30_000 }
const MAX_FAILURES = 6
const MAX_CANDIDATES = 200
/** One-way trips until a peer is known (TCP and handshakes), and from then until it is served (interest, unchoke). */
const DIAL_TRIPS = 4
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
      if (host.halfOpen >= limits.maxHalfOpen || host.connections + host.halfOpen >= limits.maxConnections) return
      if (candidate.dialling || nowMs < candidate.notBeforeMs) continue
      if (!isConnected(torrent, candidate.torrent)) this.#dial(torrent, candidate)
    }
  }

  tick(torrent: Torrent, nowMs: number): void {
    this.#serve(torrent, nowMs)
    this.fill(torrent)
  }

  /** It has everything: it and its complete peers want nothing of each other. */
  completed(torrent: Torrent): void {
    for (const peer of [...torrent.connections]) {
      if (peer.theirs.complete) this.#close(peer)
      else peer.theirs.regroup()
    }
  }

  vanish(host: Host): void {
    host.gone = true
    for (const torrent of host.torrents) for (const peer of [...torrent.connections]) this.#close(peer)
  }

  #dial(torrent: Torrent, candidate: Candidate): void {
    const { timeline, scenario } = this.#setting
    candidate.dialling = true
    torrent.dialling += 1
    torrent.host.halfOpen += 1
    const tripMs = latencyMs(torrent.host, candidate.torrent.host, scenario)
    timeline.at(timeline.nowMs + DIAL_TRIPS * tripMs, { happen: () => this.#settle(torrent, candidate) })
  }

  #settle(torrent: Torrent, candidate: Candidate): void {
    const { limits } = this.#setting.scenario
    const peer = candidate.torrent
    candidate.dialling = false
    torrent.dialling -= 1
    torrent.host.halfOpen -= 1
    if (torrent.host.gone || torrent.complete || isConnected(torrent, peer)) return
    const full = [torrent, peer].some(
      ({ connections, host }) =>
        connections.length >= limits.maxConnectionsPerTorrentHard || host.connections >= limits.maxConnections,
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

  /** A full peer names others with pieces, agents first. */
  #hint(torrent: Torrent, full: Torrent): void {
    const { limits } = this.#setting.scenario
    const withPieces = full.connections.map(({ theirs }) => theirs).filter((it) => it.state.includes(TOLD))
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
      return new Connection(mine, theirs, { nowMs, told: mine.ledger && toldBy(theirs) })
    })
    const [a, b] = ends as [Connection, Connection]
    a.twin = b
    b.twin = a
    for (const end of ends) {
      end.mine.connections.push(end)
      end.mine.host.connections += 1
      end.mine.countAll(end, 1)
      end.mine.regroup()
    }
    const tripMs = latencyMs(dialler.host, accepter.host, this.#setting.scenario)
    this.#setting.timeline.at(nowMs + SERVE_TRIPS * tripMs, { happen: (atMs) => this.#open(ends, atMs) })
  }

  #open(ends: readonly Connection[], nowMs: number): void {
    for (const end of ends) {
      if (end.closed) return
      end.interested = true
      this.#serve(end.mine, nowMs)
      this.#requests.suggest(end, undefined)
    }
  }

  #close(peer: Connection): void {
    for (const end of [peer, peer.twin]) {
      end.closed = true
      const { connections, host } = end.mine
      connections.splice(connections.indexOf(end), 1)
      host.connections -= 1
      end.mine.countAll(end, -1)
      end.mine.regroup()
      end.mine.ledger?.left(end.id)
    }
    for (const end of [peer, peer.twin]) this.#requests.drop(end)
    for (const end of [peer, peer.twin]) this.#serve(end.mine, this.#setting.timeline.nowMs)
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
      if (serves) this.#requests.pump(peer.twin)
      else this.#requests.drop(peer.twin)
    }
  }
}

function candidateOf(torrent: Torrent): Candidate {
  return { torrent, failures: 0, notBeforeMs: 0, dialling: false }
}

function isConnected(torrent: Torrent, peer: Torrent): boolean {
  return torrent.connections.some(({ theirs }) => theirs === peer)
}

function toldBy(torrent: Torrent): Bitset {
  const told = new Bitset(torrent.count)
  for (let piece = 0; piece < torrent.count; piece += 1) if (torrent.state[piece] === TOLD) told.add(piece)
  return told
}
