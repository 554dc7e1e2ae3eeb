import type { AppError } from '../../base/index.ts'
import type { PeerId, PeerInfo, PeerRole, SwarmId } from '../../core/index.ts'
import type { BusyMessage, Denial } from './busy-message.ts'
import type { ByteChannel } from './byte-channel.ts'
import type { ExtensionHello, SwarmHeader } from './extension-handshake.ts'
import type { BlockTarget } from './frame-reader.ts'
import type { ReceivedHandshake } from './handshake.ts'
import type { PeerProver } from './membership.ts'
import type { WireBlock } from './messages.ts'
import type { CoreEvents, CoreSender } from './protocol-core.ts'

/** What the two handshakes told. */
export interface WireHello extends ExtensionHello {
  readonly peerId: PeerId
}

/**
 * Checked messages in the order in which they came, except that blocks, which answer requests, may overtake the rest.
 * Throwing closes the wire with what was thrown.
 */
export interface WireEvents extends Omit<CoreEvents, 'onExtended' | 'onFailure'> {
  onRequest(block: WireBlock): void
  onCancel(block: WireBlock): void
  onReject(block: WireBlock): void
  /** The other side is full, or does not give a piece now; these may have it. */
  onBusy(busy: BusyMessage): void
  /** Where the payload goes. @throws WIRE_UNASKED_PIECE */
  onBlockStart(block: WireBlock): BlockTarget
  onBlockEnd(target: BlockTarget): void
  /** Once, last of all, never from within a method; undefined after a `close` without reason. */
  onClose(err: AppError | undefined): void
}

/** One connection after both handshakes: whole, checked messages. Methods are no-ops once it is closed. */
export interface Wire {
  readonly hello: WireHello
  /** Both sides speak BEP 6: a choke rejects nothing by itself, every request is answered. */
  readonly fast: boolean
  /** Messages that the library writes. */
  readonly send: CoreSender
  readonly pendingBytes: number
  /** Lets messages come; the channel rests from the end of the handshakes until then. */
  start(): void
  sendBlockMessage(kind: 'request' | 'cancel' | 'reject', block: WireBlock): void
  /** Says that this side is full, or denies a piece, and who else may have the blob. */
  sendBusy(peers: readonly PeerInfo[], denial?: Denial): void
  /** `onFlushed` when `bytes` may change again. */
  sendBlock(block: WireBlock, bytes: Uint8Array, onFlushed: () => void): void
  /** Destroys the channel. Idempotent. */
  close(err?: AppError): void
}

export interface WireInit {
  readonly channel: ByteChannel
  readonly swarmId: SwarmId
  readonly header: SwarmHeader
  readonly self: { readonly peerId: PeerId; readonly role: PeerRole; readonly listenPort: number | undefined }
  /** The handshake of an accepted connection; a dialled one reads it here. */
  readonly received?: ReceivedHandshake
  /** Also speak with clients that do not know our extension; never where there is a prover. */
  readonly foreignPeers: boolean
  /** Both sides must then prove that they belong to the cluster, before anything else is said or believed. */
  readonly prover?: PeerProver | undefined
  /** Who listens; called once, before the first event. `hello` is known only when the wire is open. */
  readonly events: (wire: Wire) => WireEvents
}
