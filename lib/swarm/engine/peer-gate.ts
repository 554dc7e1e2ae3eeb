import type { AbortOptions, Clock, Startable } from '../../base/index.ts'
import type { MetaInfoHeader, PeerAddress, PeerId, PeerRole, SwarmId } from '../../core/index.ts'
import type { Logger } from '../../telemetry/index.ts'
import {
  acceptPeers,
  dialPeer,
  type PeerAcceptor,
  type PeerConnection,
  type PeerListener,
  type PeerTransport,
} from '../peer/index.ts'

export interface PeerGateComponents {
  readonly clock: Clock
  readonly logger: Logger
  readonly transport: PeerTransport
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
  /** The address it listens on; before the start, the configured address. */
  readonly address: PeerAddress
  dial(
    target: { readonly address: PeerAddress; readonly swarmId: SwarmId; readonly header: MetaInfoHeader },
    options: AbortOptions,
  ): Promise<PeerConnection>
}

export function peerGate(components: PeerGateComponents, init: PeerGateInit): PeerGate {
  let listener: PeerListener | undefined
  let acceptor: PeerAcceptor | undefined
  const self = () => ({ peerId: init.peerId, role: init.role, listenPort: listener?.address.port })
  return {
    get address() {
      return listener?.address ?? init.listen
    },
    async start() {
      if (listener !== undefined) return
      listener = await components.transport.listen(init.listen, (channel) => {
        if (acceptor !== undefined && init.allows(channel.remote.host)) acceptor.accept(channel)
        else channel.destroy()
      })
      acceptor = acceptPeers(components, {
        self: self(),
        admit: (swarmId, options) => init.admit(swarmId, options),
        onPeer: (swarmId, connection) => init.onPeer(swarmId, connection),
        room: () => init.room(),
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
    dial: (target, options) => dialPeer(components, { ...target, self: self() }, options),
  }
}
