import {
  type AbortOptions,
  abortable,
  abortController,
  appError,
  type Clock,
  hasCode,
  type Timer,
  toAppError,
} from '../../base/index.ts'
import type { PeerId, PeerInfo, SwarmId } from '../../core/index.ts'
import type { Gauge, Logger } from '../../telemetry/index.ts'
import { swarmLimits } from '../limits.ts'
import type { Link, LinkOwner, OfferedLane, SwarmHeader } from '../wire/index.ts'
import type { PeerConnection, PeerHello } from './peer-connection.ts'
import { wireConnection } from './wire-connection.ts'

/** A peer to which a connection for a swarm is wanted. */
export interface LinkTarget {
  readonly peer: Pick<PeerInfo, 'peerId' | 'host' | 'port' | 'role' | 'infoHash'>
  readonly swarmId: SwarmId
  readonly header: SwarmHeader
}

export interface LinkTableComponents {
  readonly clock: Clock
  readonly logger: Logger
  /** All links, in use or not. */
  readonly gauge: Pick<Gauge, 'set'>
}

export interface LinkTableInit {
  readonly self: PeerId
  /** Most links, in use or not. */
  maxLinks(): number
  /** Links that the node uses, for its other limits; kept up to date. */
  readonly count: { links: number }
  admit(swarmId: SwarmId, options: AbortOptions): Promise<SwarmHeader | undefined>
  /** The other side has opened a lane; the callee attaches to the connection or closes it. */
  onPeer(swarmId: SwarmId, connection: PeerConnection): void
  /** Connects and shakes hands, for the link of which this table is the owner. */
  dial(target: LinkTarget, options: AbortOptions): Promise<PeerConnection>
}

/** The links of a node: one to each peer, shared by all swarms that both take part in. */
export interface LinkTable {
  readonly owner: LinkOwner
  /**
   * A connection for the swarm: on the link to that peer, or on a new one. Only one is dialled at a time.
   * @throws what `dial` throws; PEER_LIMIT when the peer has no room, WIRE_HANDSHAKE_FAILED when it has no such swarm
   */
  connect(target: LinkTarget, options: AbortOptions): Promise<PeerConnection>
  /** A link to the peer is there or on its way, so that `connect` costs no new one. */
  reaches(peer: LinkTarget['peer']): boolean
  /** Closes links that nobody uses, the longest idle first, until `wanted` more are within the limit. */
  makeRoom(wanted: number): void
  /** Every link ends with its last lane. */
  stop(): void
}

interface Entry {
  readonly link: Link
  readonly direction: PeerHello['direction']
  /** There is a better link to the same peer: it gets no more lanes. */
  spare: boolean
  idle: Timer | undefined
}

export function linkTable(components: LinkTableComponents, init: LinkTableInit): LinkTable {
  return new Table(components, init)
}

const keyOf = ({ host, port }: LinkTarget['peer']) => `${host} ${port}`

class Table implements LinkTable {
  readonly #components: LinkTableComponents
  readonly #init: LinkTableInit
  /** Those idle longest first: an entry goes to the end when its last lane ends. */
  readonly #entries = new Map<Link, Entry>()
  readonly #dialling = new Map<string, Promise<unknown>>()
  #stopped = false
  readonly owner: LinkOwner

  constructor(components: LinkTableComponents, init: LinkTableInit) {
    this.#components = components
    this.#init = init
    this.owner = {
      onLink: (link) => this.#onLink(link),
      admit: async (swarmId, options) => (this.#stopped ? undefined : await init.admit(swarmId, options)),
      onLane: (lane) => {
        this.#onLane(lane).catch((err: unknown) => lane.link.close(toAppError(err)))
      },
      onUse: (link) => this.#onUse(link),
      onGone: (link) => this.#onGone(link),
    }
  }

  async connect(target: LinkTarget, options: AbortOptions): Promise<PeerConnection> {
    const key = keyOf(target.peer)
    for (;;) {
      const entry = this.#find(target.peer)
      const shared = entry && (await this.#open(entry, target, options))
      if (shared !== undefined) return shared
      const other = this.#dialling.get(key)
      if (other === undefined) return await this.#dial(key, target, options)
      await abortable(other, options.signal ?? abortController().signal).catch((err: unknown) => {
        // Another swarm may be unknown there, or was given up here; an unreachable host is so for all.
        if (options.signal?.aborted === true || hasCode(err, 'PEER_CLOSED', 'PEER_UNPROVEN')) throw err
      })
      // A peer that does not share links.
      if (this.#find(target.peer) === undefined && !this.#dialling.has(key))
        return await this.#dial(key, target, options)
    }
  }

  reaches(peer: LinkTarget['peer']): boolean {
    return this.#dialling.has(keyOf(peer)) || this.#find(peer) !== undefined
  }

  makeRoom(wanted: number): void {
    for (const { link } of [...this.#entries.values()]) {
      if (this.#entries.size + wanted <= this.#init.maxLinks()) return
      if (!link.inUse) link.close()
    }
  }

  stop(): void {
    this.#stopped = true
    for (const { link } of [...this.#entries.values()]) if (!link.inUse) link.close()
  }

  /** The link that both ends keep when they have dialled each other comes first. */
  #find({ peerId, host, port }: LinkTarget['peer']): Entry | undefined {
    for (const entry of this.#entries.values()) {
      const { link, spare } = entry
      const { hello, remote } = link
      if (spare || hello.peerId !== peerId || remote.host !== host || !link.mayOpen) continue
      if ((entry.direction === 'dialled' ? remote.port : hello.listenPort) === port) return entry
    }
    return undefined
  }

  /** Undefined when the link has ended meanwhile. */
  async #open({ link }: Entry, target: LinkTarget, options: AbortOptions): Promise<PeerConnection | undefined> {
    try {
      const { header, peer } = target
      return await this.#connection(link, { header, direction: 'dialled', role: peer.role }, (events) =>
        link.open({ header, events }, options),
      )
    } catch (err) {
      if (hasCode(err, 'PEER_CLOSED') && !this.#entries.has(link)) return undefined
      throw err
    }
  }

  async #dial(key: string, target: LinkTarget, options: AbortOptions): Promise<PeerConnection> {
    this.makeRoom(1)
    const dialled = this.#init.dial(target, options)
    this.#dialling.set(key, dialled)
    try {
      return await dialled
    } finally {
      this.#dialling.delete(key)
    }
  }

  #connection(
    { remote }: Link,
    side: Pick<Parameters<typeof wireConnection>[0], 'header' | 'direction' | 'role'>,
    open: Parameters<typeof wireConnection>[0]['open'],
  ): Promise<PeerConnection> {
    return wireConnection({ ...side, address: remote, logger: this.#components.logger, open })
  }

  async #onLane({ link, swarmId, header, accept }: OfferedLane): Promise<void> {
    const connection = await this.#connection(link, { header, direction: 'accepted', role: 'agent' }, (events) =>
      Promise.resolve(accept(events)),
    )
    if (this.#stopped) connection.close()
    else this.#init.onPeer(swarmId, connection)
  }

  #onLink(link: Link): void {
    const entry: Entry = { link, direction: link.direction, spare: false, idle: undefined }
    this.#retireTwins(entry)
    this.makeRoom(1)
    // What was dialled and what was accepted at the same time may be one too many.
    if (this.#entries.size >= this.#init.maxLinks()) {
      link.close(appError('PEER_LIMIT'))
      return
    }
    this.#entries.set(link, entry)
    this.#count()
  }

  /**
   * Two peers that dial each other at once have two links. Both prefer the one that the smaller id dialled; the other
   * one keeps its lanes until they end.
   */
  #retireTwins(fresh: Entry): void {
    const { hello, remote } = fresh.link
    // Stock clients have a connection for each swarm.
    if (hello.foreign) return
    const preferred = this.#init.self < hello.peerId ? 'dialled' : 'accepted'
    for (const old of this.#entries.values()) {
      if (old.link.hello.foreign || old.link.hello.peerId !== hello.peerId) continue
      if (old.link.remote.host !== remote.host) continue
      const isWorse = fresh.direction !== old.direction && fresh.direction !== preferred
      const worse = isWorse && !old.spare ? fresh : old
      worse.spare = true
      if (!worse.link.inUse) worse.link.close()
    }
  }

  #onUse(link: Link): void {
    const entry = this.#entries.get(link)
    if (entry === undefined) return
    entry.idle?.cancel()
    entry.idle = undefined
    if (!link.inUse) {
      if (entry.spare || this.#stopped) {
        link.close()
        return
      }
      this.#entries.delete(link)
      this.#entries.set(link, entry)
      const close = () => link.close()
      entry.idle = this.#components.clock.setTimer(swarmLimits.linkIdleMs, close, { background: true })
    }
    this.#count()
  }

  #onGone(link: Link): void {
    this.#entries.get(link)?.idle?.cancel()
    this.#entries.delete(link)
    this.#count()
  }

  #count(): void {
    let used = 0
    for (const { link } of this.#entries.values()) if (link.inUse) used += 1
    this.#init.count.links = used
    this.#components.gauge.set(this.#entries.size)
  }
}
