import { type AbortOptions, type Clock, hasCode, type Startable } from '../../base/index.ts'
import type { MetaInfoHeader, PeerAddress, PeerId, PeerRole, SwarmId } from '../../core/index.ts'
import type { Logger, Metrics } from '../../telemetry/index.ts'
import {
  acceptPeers,
  dialPeer,
  type PeerAcceptor,
  type PeerConnection,
  type PeerListener,
  type PeerProver,
  type PeerTransport,
} from '../peer/index.ts'

export interface PeerGateComponents {
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics: Metrics
  readonly transport: PeerTransport
  /** Lets in, and dials, only who proves that it belongs to the cluster; undefined takes everybody. */
  readonly prover?: PeerProver | undefined
}

export interface PeerGateInit {
  readonly peerId: PeerId
  readonly role: PeerRole
  readonly listen: PeerAddress
  /** The header of a swarm that this node takes part in, or could take part in. */
  admit(swarmId: SwarmId, options: AbortOptions): Promise<MetaInfoHeader | undefined>
  /** Called for each incoming peer; the callee attaches to the connection or closes it. */
  onPeer(swarmId: SwarmId, connection: PeerConnection): void
  allows(host: string): boolean
  /** How many more connections this node may open or accept. */
  room(): number
}

/** Accepts incoming connections and dials outgoing ones. */
export interface PeerGate extends Startable {
  /** Where it listens, or listened last: the last announce still names it. The configured address before the start. */
  readonly address: PeerAddress
  dial(
    target: { readonly address: PeerAddress; readonly swarmId: SwarmId; readonly header: MetaInfoHeader },
    options: AbortOptions,
  ): Promise<PeerConnection>
}

export function peerGate(components: PeerGateComponents, init: PeerGateInit): PeerGate {
  const { prover } = components
  const unproven = components.metrics.counter(
    { name: 'shoal_swarm_unproven_peers_total', help: 'Connections without a valid proof of membership.' },
    ['direction'],
  )
  const count = (direction: 'dialled' | 'accepted', err: unknown) => {
    if (hasCode(err, 'PEER_UNPROVEN')) unproven.with({ direction }).add()
  }
  let listener: PeerListener | undefined
  let acceptor: PeerAcceptor | undefined
  let address = init.listen
  const self = () => ({ peerId: init.peerId, role: init.role, listenPort: listener?.address.port })
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
      acceptor = acceptPeers(components, {
        self: self(),
        admit: (swarmId, options) => init.admit(swarmId, options),
        onPeer: (swarmId, connection) => init.onPeer(swarmId, connection),
        room: () => init.room(),
        prover,
        onRefused: (err) => count('accepted', err),
      })
      await acceptor.start()
    },
    async stop() {
      const closing = listener
      listener = undefined
      await closing?.close()
      await acceptor?.stop()
      acceptor = undefined
    },
    async dial(target, options) {
      try {
        return await dialPeer(components, { ...target, self: self(), prover }, options)
      } catch (err) {
        count('dialled', err)
        throw err
      }
    },
  }
}
