import { type Random, seededRandom, shuffled } from '../../../lib/base/index.ts'
import { newPeerId, type PeerRole, PieceMap } from '../../../lib/core/index.ts'
import { Contacts } from './contacts.ts'
import { ledgerOf } from './ledger.ts'
import { Link } from './link.ts'
import { type Ask, type Connection, Host, Torrent } from './model.ts'
import { News } from './news.ts'
import { PieceRoom } from './piece-room.ts'
import { Requests } from './requests.ts'
import type { Rates, Scenario, Some } from './scenario.ts'
import type { Setting } from './setting.ts'
import { type Tally, tally } from './tally.ts'
import { Timeline } from './timeline.ts'
import { SimulatedTracker } from './tracker.ts'
import { Turns } from './turns.ts'

/**
 * A swarm in discrete events. What decides is the real code: the picker with its index of pieces and the shares, the pace
 * of requests, the upload slots, the origins' ledger (who is given, refused and suggested what), the tracker's list of
 * peers and its order, the piece map and the limits.
 *
 * Modelled: the links of each host (one queue up, in turns of its torrents, and one down, which a request passes before
 * it is sent, as in a node with rates), latency within and between zones, dialling, connection limits and busy answers,
 * the memory for pieces that a host's torrents share, one check after the other, late and lost peers, timeouts, second
 * requests of late pieces. A piece is asked for and sent as a whole, so a piece is never split over two peers.
 *
 * Not modelled: processor time, disks, metainfo (all records are known from the start), TCP, the origins' HTTP (torrents
 * that would have turned to it are counted as starved), wrong bytes. All
 * peers hear of a piece at the same time, after the latency between zones, and of pieces that follow each other within
 * `haveEveryMs` at once; origins too, which in truth hear later.
 *
 * Connections: the torrents of two hosts share one link. The first of them pays the dial and both handshakes, each
 * further one a single round trip; the link ends with its last torrent, while a real node keeps it for the next image.
 * All origins know each other and divide the pieces of every layer. The holders that a refusal names are not dialled.
 */
export function simulate(scenario: Scenario): Outcome {
  return new Simulation(scenario).run()
}

export interface Outcome {
  /** Of the agents that did not vanish: from their start until they had all layers; Infinity for those that never had. */
  readonly finishMs: readonly number[]
  /** Of each of their layers: when its reader had the first byte, and when it had the average one. */
  readonly firstByteMs: readonly number[]
  readonly meanByteMs: readonly number[]
  readonly tally: Tally
  /** Payload that left origins, in copies of all layers. */
  readonly copies: number
  /** Payload that went from one zone to another, in copies of all layers. */
  readonly copiesAcross: number
  /** Length of the pieces of the first layer. */
  readonly pieceLength: number
  readonly events: number
}

/** As the engine has them. */
const TICK_MS = 100
const BURST_SHARE = 0.1
const MIN_BURST = 1024 * 1024
const FEW_PEERS = 4
const HURRY = { minMs: 1_000, spreadMs: 1_000 }
/** A run that has not ended by then never will. */
const END_MS = 600_000

class Simulation {
  readonly #scenario: Scenario
  readonly #timeline = new Timeline()
  readonly #random: Random
  readonly #setting: Setting
  readonly #tally = tally()
  readonly #tracker: SimulatedTracker
  readonly #requests: Requests
  readonly #contacts: Contacts
  readonly #agents: Host[] = []
  /** By their numbers. */
  readonly #torrents: Torrent[] = []
  readonly #origins: readonly string[]
  readonly #pulling = new Set<Host>()

  constructor(scenario: Scenario) {
    this.#scenario = scenario
    this.#origins = Array.from({ length: scenario.origins }, (_, index) => String(index))
    this.#random = seededRandom(scenario.seed)
    const torrents = (scenario.agents + scenario.origins) * scenario.layers.length
    const news = new News(
      { torrents, peers: scenario.limits.maxConnectionsPerTorrentHard },
      { onFull: (hearer) => this.#torrents[hearer]?.supply.settle(), onAlert: (...news) => this.#onAlert(...news) },
    )
    const between = linksBetween(scenario)
    this.#setting = { timeline: this.#timeline, scenario, random: this.#random, news, between }
    this.#tracker = new SimulatedTracker(this.#setting)
    this.#requests = new Requests(this.#setting, this.#tally, { onComplete: (torrent) => this.#onComplete(torrent) })
    this.#contacts = new Contacts(this.#setting, this.#requests)
  }

  run(): Outcome {
    this.#addHosts()
    this.#timeline.run(END_MS, () => this.#pulling.size === 0 && this.#agents.every(isReadOrGone))
    const stayed = this.#agents.filter(({ gone }) => !gone)
    const readers = stayed.flatMap(({ torrents }) => torrents.map(({ reader }) => reader))
    const bytes = this.#scenario.layers.reduce((sum, layer) => sum + layer, 0)
    return {
      finishMs: stayed.map(({ doneMs = Number.POSITIVE_INFINITY, startMs }) => doneMs - startMs),
      firstByteMs: readers.map(({ firstByteMs = Number.POSITIVE_INFINITY }) => firstByteMs),
      meanByteMs: readers.map(({ meanByteMs }) => meanByteMs),
      tally: this.#tally,
      copies: this.#tally.originBytes / bytes,
      copiesAcross: this.#tally.acrossBytes / bytes,
      pieceLength: this.#agents[0]?.torrents[0]?.map.pieceLength ?? 0,
      events: this.#timeline.count,
    }
  }

  #addHosts(): void {
    const { agents, origins, originRates, agentRates, slow, late, lost, startWithinMs } = this.#scenario
    for (let index = 0; index < origins; index += 1) {
      const origin = this.#host(index, 'origin', originRates)
      for (const torrent of origin.torrents) this.#announce(torrent)
      this.#tickFor(origin)
    }
    const chosen = (share: number) =>
      new Set(shuffled([...Array(agents).keys()], this.#random).slice(0, share * agents))
    const [slowOnes, lateOnes, lostOnes] = [slow.share, late.share, lost.share].map(chosen)
    for (let index = 0; index < agents; index += 1) {
      const rate = slowOnes?.has(index) === true ? slow.rate : 1
      const agent = this.#host(origins + index, 'agent', { up: agentRates.up * rate, down: agentRates.down * rate })
      this.#agents.push(agent)
      this.#pulling.add(agent)
      agent.startMs = this.#random.next() * (lateOnes?.has(index) === true ? late.withinMs : startWithinMs)
      this.#after(agent.startMs, () => this.#start(agent))
      if (lostOnes?.has(index) === true) this.#lose(agent, lost)
    }
  }

  #host(index: number, role: PeerRole, { up, down }: Rates): Host {
    const { layers, limits, zones, originZones, verifyBytesPerSecond, pieceLength } = this.#scenario
    // A node's rate limit saves this much up in a pause, and keeps one block for short blobs.
    const spared = (rate: number) => Math.max(MIN_BURST, rate * BURST_SHARE) - limits.blockLength
    const turns = { timeline: this.#timeline, turn: limits.blockLength, torrents: layers.length }
    const host = new Host({
      index,
      role,
      peerId: newPeerId(this.#random),
      zone: index % (role === 'origin' ? Math.min(zones, originZones) : zones),
      uploads: new Turns<Ask>({
        ...{ ...turns, link: new Link(up, spared(up)) },
        onPassed: (ask, nowMs) => this.#requests.left(ask, nowMs),
      }),
      downloads: new Turns<Ask>({
        ...{ ...turns, link: new Link(down, spared(down)) },
        onPassed: (ask, nowMs) => this.#requests.sent(ask, nowMs),
      }),
      checks: new Link(verifyBytesPerSecond),
      room: new PieceRoom(limits),
    })
    for (const [layer, length] of layers.entries()) {
      const map = new PieceMap(length, pieceLength)
      const ledger = role === 'origin' ? ledgerOf(map.count, String(index), this.#origins) : undefined
      const torrent = new Torrent(host, layer, map, { ...this.#setting, ledger })
      host.torrents.push(torrent)
      this.#torrents[torrent.number] = torrent
    }
    return host
  }

  #start(agent: Host): void {
    if (agent.gone) return
    for (const torrent of agent.torrents) {
      torrent.reader.start(agent.startMs)
      torrent.givenAtMs = agent.startMs
      this.#announce(torrent)
    }
    this.#tickFor(agent)
  }

  #lose(agent: Host, { withinMs }: Some): void {
    this.#after(this.#random.next() * withinMs, () => {
      this.#pulling.delete(agent)
      this.#contacts.vanish(agent)
    })
  }

  #announce(torrent: Torrent): void {
    const { host } = torrent
    if (host.gone) return
    const { limits, latencyMs } = this.#scenario
    const wanted = torrent.complete ? 0 : limits.maxConnectionsPerTorrentSoft
    const { peers, intervalMs } = this.#tracker.announce(torrent, wanted)
    if (host.role === 'origin') return
    this.#after(2 * latencyMs, () => this.#contacts.offer(torrent, peers))
    const fewPeers = !torrent.complete && torrent.connections.length < FEW_PEERS
    const hurry = fewPeers && !torrent.hurried
    torrent.hurried = hurry
    const delayMs = hurry ? Math.min(intervalMs, HURRY.minMs + this.#random.next() * HURRY.spreadMs) : intervalMs
    this.#after(delayMs, () => this.#announce(torrent))
  }

  /** Ticks at a moment of its own, as every process does. */
  #tickFor(host: Host): void {
    const tick = {
      happen: (nowMs: number): void => {
        if (host.gone) return
        for (const torrent of host.torrents) {
          this.#contacts.tick(torrent, nowMs)
          if (!torrent.complete) this.#requests.tick(torrent, nowMs)
        }
        this.#timeline.at(nowMs + TICK_MS, tick)
      },
    }
    this.#after(this.#random.next() * TICK_MS, () => this.#timeline.at(this.#timeline.nowMs, tick))
  }

  #onAlert(hearer: number, slot: number, pieces: readonly number[]): void {
    const peer: Connection | undefined = this.#torrents[hearer]?.bySlot[slot]
    if (peer !== undefined) this.#requests.heard(peer, pieces)
  }

  #onComplete(torrent: Torrent): void {
    this.#contacts.completed(torrent)
    this.#tracker.announce(torrent, 0)
    if (torrent.host.torrents.every(({ complete }) => complete)) this.#pulling.delete(torrent.host)
  }

  #after(delayMs: number, happen: () => void): void {
    this.#timeline.at(this.#timeline.nowMs + delayMs, { happen })
  }
}

function isReadOrGone({ gone, torrents }: Host): boolean {
  return gone || torrents.every(({ reader }) => reader.isDone)
}

/** One link for each direction between two zones. */
function linksBetween({ farBytesPerSecond }: Scenario): Setting['between'] {
  const links = new Map<string, Link>()
  return (from, to) => {
    const name = `${from} ${to}`
    const known = links.get(name) ?? new Link(farBytesPerSecond)
    links.set(name, known)
    return known
  }
}
