import type { AbortOptions, Clock } from '../../base/index.ts'
import type { InfoHash, PeerAddress, PeerId, PeerRole, SwarmId } from '../../core/index.ts'
import type { Logger } from '../../telemetry/index.ts'
import { type LinkOwner, openLink, type PeerProver, type SwarmHeader } from '../wire/index.ts'
import type { PeerConnection } from './peer-connection.ts'
import type { PeerTransport } from './transport.ts'
import { wireConnection } from './wire-connection.ts'

/** What we tell about ourselves on every connection. */
export interface PeerSelf {
  readonly peerId: PeerId
  readonly role: PeerRole
  /** Our port for incoming connections, which we tell other peers; undefined when nobody can dial us. */
  readonly listenPort: number | undefined
  readonly zone?: string | undefined
}

export interface PeerComponents {
  readonly clock: Clock
  readonly logger: Logger
  readonly transport: PeerTransport
}

export interface DialInit {
  readonly address: PeerAddress
  readonly swarmId: SwarmId
  readonly header: SwarmHeader
  /** What the other side is, according to a tracker; default agent. */
  readonly role?: PeerRole | undefined
  readonly self: PeerSelf
  /** The name of the swarm for a stock client; undefined for a node of ours. */
  readonly infoHash?: InfoHash | undefined
  /** Both sides must prove that they belong to the cluster. */
  readonly prover?: PeerProver | undefined
  /** Shares the connection among swarms with a peer that does so, too. */
  readonly owner?: LinkOwner | undefined
}

/**
 * Connects and shakes hands. The connection rests until somebody attaches to it; one that is not wanted must be closed.
 * @throws PEER_CLOSED (unreachable), WIRE_HANDSHAKE_FAILED, PEER_UNPROVEN, WIRE_FRAME_INVALID, ABORTED
 */
export async function dialPeer(
  { clock, logger, transport }: PeerComponents,
  { address, swarmId, header, role = 'agent', self, infoHash, prover, owner }: DialInit,
  options: AbortOptions = {},
): Promise<PeerConnection> {
  const channel = await transport.dial(address, options)
  return wireConnection({
    header,
    address,
    role,
    direction: 'dialled',
    logger,
    open: async (events) => {
      const link = { channel, swarmId, header, self, infoHash, prover, events, owner }
      return (await openLink({ clock }, link, options)).first
    },
  })
}
