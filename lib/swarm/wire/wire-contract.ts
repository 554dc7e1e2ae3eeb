import type { AbortOptions, AppError, Bitset } from '../../base/index.ts'
import type { InfoHash, PeerAddress, PeerId, PeerInfo, PeerRole, PullClass, SwarmId } from '../../core/index.ts'
import type { BusyMessage, Denial } from './busy-message.ts'
import type { ByteChannel } from './byte-channel.ts'
import type { ExtensionHello, SwarmHeader } from './extension-handshake.ts'
import type { BlockTarget } from './frame-reader.ts'
import type { ReceivedHandshake } from './handshake.ts'
import type { PeerProver } from './membership.ts'
import type { WireBlock } from './messages.ts'
import type { Want } from './want-message.ts'

/** What the two handshakes told. */
export interface WireHello extends ExtensionHello {
  readonly peerId: PeerId
}

/** Checked messages in the order in which they came. Throwing closes the link with what was thrown. */
export type WireEvents = WireStateEvents & WireBlockEvents

/** What the other side is, has and wants. */
export interface WireStateEvents {
  onChoke(choked: boolean): void
  onInterest(interested: boolean): void
  /** Pieces that the other side had not told before, ascending. */
  onHaves(pieces: readonly number[]): void
  /** Bitfield, have-all or have-none: the pieces of the other side. */
  onHaveSet(have: Bitset): void
  onSuggest(piece: number): void
  /** The other side is full, or does not give a piece now; these may have it. */
  onBusy(busy: BusyMessage): void
  /** Once, last of all, never from within a method; undefined after a `close` without reason. */
  onClose(err: AppError | undefined): void
}

/** Blocks that one side asks of the other. */
export interface WireBlockEvents {
  onRequest(block: WireBlock): void
  onCancel(block: WireBlock): void
  onReject(block: WireBlock): void
  /** What it wants to be brought first; only to an origin. */
  onWant(want: Want): void
  /** Where the payload goes. @throws WIRE_UNASKED_PIECE */
  onBlockStart(block: WireBlock): BlockTarget
  onBlockEnd(target: BlockTarget): void
}

/** What one side tells the other about itself. */
export interface WireSender {
  choke(choked: boolean): void
  interest(interested: boolean): void
  /** A new piece; peers that take many in one message get it together with others that come soon. */
  have(piece: number): void
  /** As bitfield, or as have-all or have-none where the other side knows these. Before any `have`. */
  haveSet(have: Bitset): void
  suggest(piece: number): void
  /** At which class is asked from now on; nothing is sent to who does not serve by class. */
  pullClass(asked: PullClass): void
}

/** Whole, checked messages of one swarm: one lane of a link. Methods are no-ops once it is closed. */
export interface Wire {
  readonly hello: WireHello
  /** Both sides speak BEP 6: a choke rejects nothing by itself, every request is answered. */
  readonly fast: boolean
  readonly send: WireSender
  /** Bytes of blocks that have not left yet. */
  readonly pendingBytes: number
  /** At which class the other side asks: what it has said last, `normal` before. */
  readonly pullClass: PullClass
  /** Lets messages come; a link rests from the end of its handshakes until then. */
  start(): void
  sendBlockMessage(kind: 'request' | 'cancel' | 'reject', block: WireBlock): void
  /** Says that this side is full, or denies a piece, and who else may have the blob. */
  sendBusy(peers: readonly PeerInfo[], denial?: Denial): void
  /** Says what the other side should bring first, when it wants to know. */
  sendWant(want: Want): void
  /** `onFlushed` when `bytes` may change again; not called when the wire closes before. */
  sendBlock(block: WireBlock, bytes: Uint8Array, onFlushed: () => void): void
  /**
   * Calls `then` once nothing reads the bytes of blocks any more, at once when nothing does. For a wire that was closed:
   * its link may live on, and what was passed to it is still being sent.
   */
  whenUnread(then: () => void): void
  /**
   * Ends this lane; without a reason, or with PEER_LIMIT, the link lives on when both sides share links. Any other
   * reason closes the link. Idempotent.
   */
  close(err?: AppError): void
}

/** One connection after both handshakes, with a lane for each swarm that both sides take part in. */
export interface Link {
  readonly hello: WireHello
  readonly remote: PeerAddress
  readonly direction: 'dialled' | 'accepted'
  /** The lane of the swarm that the handshake named. */
  readonly first: Wire
  /** Some lane is open or about to be. */
  readonly inUse: boolean
  /** Another lane may be asked for: both sides share links, and their bounds allow one more. */
  readonly mayOpen: boolean
  /** @throws PEER_CLOSED, WIRE_HANDSHAKE_FAILED (no such swarm there), PEER_LIMIT (full there), ABORTED */
  open(lane: LaneInit, options: AbortOptions): Promise<Wire>
  /** Ends all lanes and the connection. Idempotent. */
  close(err?: AppError): void
}

export interface LaneInit {
  readonly header: SwarmHeader
  /** Who listens; called once, before the first event. */
  readonly events: (wire: Wire) => WireEvents
}

/** A lane that the other side asks for. */
export interface OfferedLane {
  readonly link: Link
  readonly swarmId: SwarmId
  readonly header: SwarmHeader
  /** Takes it. The other side learns that with the first thing that is sent, or when the wire starts. */
  readonly accept: (events: LaneInit['events']) => Wire
}

/** Who owns a node's links, and lets those be shared by several swarms whose other side shares them, too. */
export interface LinkOwner {
  /** Both handshakes are through. */
  onLink(link: Link): void
  /** The header of a swarm; undefined when it is not known here. */
  admit(swarmId: SwarmId, options: AbortOptions): Promise<SwarmHeader | undefined>
  /** Must accept the lane at once. */
  onLane(lane: OfferedLane): void
  /** `inUse` has changed. */
  onUse(link: Link): void
  /** Once, last of all. */
  onGone(link: Link): void
}

export interface WireInit {
  readonly channel: ByteChannel
  readonly swarmId: SwarmId
  readonly header: SwarmHeader
  readonly self: {
    readonly peerId: PeerId
    readonly role: PeerRole
    readonly listenPort: number | undefined
    readonly zone?: string | undefined
  }
  /** The handshake of an accepted connection; a dialled one reads it here. */
  readonly received?: ReceivedHandshake
  /** The other side is a stock client, which knows the swarm by this name; never where there is a prover. */
  readonly infoHash?: InfoHash | undefined
  /** Both sides must then prove that they belong to the cluster, before anything else is said or believed. */
  readonly prover?: PeerProver | undefined
  /** Who listens on the first lane; called once, before the first event. `hello` is known only when the link is open. */
  readonly events: (wire: Wire) => WireEvents
  /** Offers to share the link; undefined keeps it to its first swarm. */
  readonly owner?: LinkOwner | undefined
}
