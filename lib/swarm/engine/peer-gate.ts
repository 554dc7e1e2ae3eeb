import { type AbortOptions, appError, type Clock, hasCode, type Startable } from '../../base/index.ts'
import type { MetaInfoHeader, PeerAddress, PeerId, PeerRole, SwarmId } from '../../core/index.ts'
import { auditTrail, type Gauge, type Logger, type Metrics } from '../../telemetry/index.ts'
import {
  acceptPeers,
  dialPeer,
  type LinkTable,
  type LinkTarget,
  linkTable,
  type PeerAcceptor,
  type PeerConnection,
  type PeerListener,
  type PeerProver,
  type PeerTransport,
} from '../peer/index.ts'
import type { ForeignNames } from './foreign-names.ts'

export interface PeerGateComponents {
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics: Metrics
  readonly transport: PeerTransport
  /** Lets in, and dials, only who proves that it belongs to the cluster; undefined takes everybody. */
  readonly prover?: PeerProver | undefined
  /** Lets stock clients in; undefined takes members alone. */
  readonly foreign?: ForeignNames | undefined
}

export interface PeerGateInit {
  readonly peerId: PeerId
  readonly role: PeerRole
  readonly zone?: string | undefined
  readonly listen: PeerAddress
  /** The header of a swarm that this node takes part in, or could take part in. */
  admit(swarmId: SwarmId, options: AbortOptions): Promise<MetaInfoHeader | undefined>
  /** Called for each incoming peer and each swarm that it opens on a link; the callee attaches to the connection or closes it. */
  onPeer(swarmId: SwarmId, connection: PeerConnection): void
  allows(host: string): boolean
  /** How many more links this node may open or accept; those that nobody uses make room. */
  room(): number
  maxLinks(): number
  /** Links in use, for the other limits of the node. */
  readonly count: { links: number }
}

/** Accepts incoming connections and dials outgoing ones. */
export interface PeerGate extends Startable {
  /** Where it listens, or listened last: the last announce still names it. The configured address before the start. */
  readonly address: PeerAddress
  /** A connection for one swarm: over the link to that peer, or a new one. */
  dial(target: LinkTarget, options: AbortOptions): Promise<PeerConnection>
  /** A link to the peer is there or on its way. */
  reaches(peer: LinkTarget['peer']): boolean
  /** Closes links that nobody uses until there are no more than there may be. */
  makeRoom(): void
}

function unprovenCount(metrics: Metrics): (direction: 'dialled' | 'accepted', err: unknown) => void {
  const unproven = metrics.counter(
    { name: 'shoal_swarm_unproven_peers_total', help: 'Connections without a valid proof of membership.' },
    ['direction'],
  )
  return (direction, err) => {
    if (hasCode(err, 'PEER_UNPROVEN')) unproven.with({ direction }).add()
  }
}

/** Counts and tells whom nobody has let in for want of a proof. */
function turnedAway(components: Pick<PeerGateComponents, 'clock' | 'logger' | 'metrics'>) {
  const count = unprovenCount(components.metrics)
  const audit = auditTrail(components)
  return {
    dialled: (err: unknown) => count('dialled', err),
    accepted: (err: unknown, from: string) => {
      count('accepted', err)
      if (!hasCode(err, 'PEER_UNPROVEN')) return
      audit.refused({ who: 'unproven peer', from, what: 'connect as a peer', outcome: 'PEER_UNPROVEN' })
    },
    stop: () => audit.flush(),
  }
}

function linksGauge(metrics: Metrics): Gauge {
  return metrics
    .gauge({ name: 'shoal_swarm_links', help: 'Connections to other nodes, each shared by all torrents.' })
    .with({})
}

export function peerGate(components: PeerGateComponents, init: PeerGateInit): PeerGate {
  const { prover } = components
  const away = turnedAway(components)
  const gauge = linksGauge(components.metrics)
  let links: LinkTable | undefined
  let listener: PeerListener | undefined
  let acceptor: PeerAcceptor | undefined
  let address = init.listen
  const self = () => ({ peerId: init.peerId, role: init.role, listenPort: listener?.address.port, zone: init.zone })
  const dial = async ({ peer, ...target }: LinkTarget, options: AbortOptions) => {
    try {
      const { host, port, role, infoHash } = peer
      const own = { self: self(), prover, owner: links?.owner }
      return await dialPeer(components, { ...target, ...own, role, infoHash, address: { host, port } }, options)
    } catch (err) {
      away.dialled(err)
      throw err
    }
  }
  return {
    get address() {
      return address
    },
    async start() {
      if (listener !== undefined) return
      listener = await components.transport.listen(init.listen, (channel) => {
        if (acceptor !== undefined && init.allows(channel.remote.host)) acceptor.accept(channel)
        else channel.destroy()
      })
      address = listener.address
      const table = linkTable({ ...components, gauge }, { ...init, self: init.peerId, dial })
      links = table
      acceptor = acceptPeers(components, {
        self: self(),
        admit: (swarmId, options) => init.admit(swarmId, options),
        onPeer: (swarmId, connection) => init.onPeer(swarmId, connection),
        room: () => init.room(),
        ...{ prover, foreign: components.foreign?.swarmOf, owner: table.owner },
        onRefused: away.accepted,
      })
      await acceptor.start()
    },
    async stop() {
      const closing = listener
      listener = undefined
      await closing?.close()
      await acceptor?.stop()
      acceptor = undefined
      links?.stop()
      links = undefined
      away.stop()
    },
    async dial(target, options) {
      if (links === undefined) throw appError('SHUTTING_DOWN')
      return await links.connect(target, options)
    },
    reaches: (peer) => links?.reaches(peer) === true,
    makeRoom: () => links?.makeRoom(0),
  }
}
