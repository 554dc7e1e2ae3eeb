import type { AbortOptions, AppError, Bitset } from '../../base/index.ts'
import type { PeerAddress, PeerId, PeerInfo, PeerRole } from '../../core/index.ts'

/** A part of a piece; `offset` and `length` are in bytes within the piece. */
export interface Block {
  readonly piece: number
  readonly offset: number
  readonly length: number
}

/** What the other side said in the two handshakes (BEP 3 and BEP 10); both are checked against our header. */
export interface PeerHello {
  readonly peerId: PeerId
  /** Remote address of the connection (from the socket). */
  readonly address: PeerAddress
  /** `p` of the extension handshake: the port it listens on; undefined when it gave none. */
  readonly listenPort: number | undefined
  readonly role: PeerRole
  /** Agreed block length in bytes: the smaller of the two offers. */
  readonly blockLength: number
  readonly direction: 'dialled' | 'accepted'
}

/** Events of a connection for its torrent. Called one at a time, never from within a method of the connection. */
export type PeerEvents = SupplyEvents & DemandEvents & LinkEvents

/** What the other side has and would give. */
export interface SupplyEvents {
  /**
   * The pieces of the other side changed: it has got `pieces`, or, when undefined, told anew what it has (bitfield,
   * have-all, have-none).
   */
  onHave(pieces: readonly number[] | undefined): void
  /** The other side choked or unchoked us; a choke rejects our open requests with PEER_REJECTED. */
  onChoke(choked: boolean): void
  onSuggest(piece: number): void
}

/** What the other side wants. */
export interface DemandEvents {
  onInterest(interested: boolean): void
  /** A well-formed request for a block inside the blob; the torrent decides whether we have the block. */
  onRequest(block: Block): void
  /** The other side no longer wants a block; sending it anyway is allowed. */
  onCancel(block: Block): void
}

/** What becomes of the connection itself. */
export interface LinkEvents {
  /** The other side is full; these may have the blob. */
  onBusy(peers: readonly PeerInfo[]): void
  /** Called once, as the last event. `err` is undefined when we closed the connection in an orderly way. */
  onClose(err: AppError | undefined): void
}

/** Counters that only grow; they count the payload bytes of blocks. */
export interface PeerStats {
  readonly receivedBytes: number
  readonly sentBytes: number
}

/** One peer on one connection for one blob, after both handshakes. Every method is a no-op once it is closed. */
export type PeerConnection = PeerLink & BlockSource & BlockSink

/** The connection itself, and the pieces of the other side. */
export interface PeerLink {
  readonly hello: PeerHello
  /** The pieces of the other side. This is the live set; do not change it. */
  readonly remoteHave: Bitset
  readonly stats: PeerStats
  /**
   * Starts the delivery of events; call it once, before anything else. Earlier events are delivered first, in order.
   */
  attach(events: PeerEvents): void
  /** Says that we are full, and who else may have the blob. */
  sendBusy(peers: readonly PeerInfo[]): void
  /** Destroys the socket. Idempotent. */
  close(err?: AppError): void
}

export interface RequestOptions extends AbortOptions {
  /** The payload came after all, so many bytes of it, when the request had been withdrawn: nobody gets it. */
  readonly onUnwanted?: ((bytes: number) => void) | undefined
}

/** The other side as a source of blocks. */
export interface BlockSource {
  /** True while the other side does not serve us. Starts as true. */
  readonly choked: boolean
  /** Number of requests that were sent and not yet answered. */
  readonly openRequests: number
  /**
   * Requests a block and copies its payload directly into `into` (exactly `block.length` bytes). After the promise has
   * settled, in whatever way, nothing is written to `into`. On ABORTED a cancel is sent.
   * @throws PEER_REJECTED, PEER_CLOSED, ABORTED, WIRE_QUEUE_FULL (more than MAX_OPEN_REQUESTS at once)
   */
  request(block: Block, into: Uint8Array, options?: RequestOptions): Promise<void>
  sendInterested(interested: boolean): void
}

/** The other side as a receiver of our blocks. */
export interface BlockSink {
  /**
   * Tells of a new piece, unless the other side is an agent that has it already. Those of a few milliseconds go
   * together in one message where the other side takes that.
   */
  sendHave(piece: number): void
  /** Sends a bitfield, or have-all / have-none (BEP 6) where these are shorter. Call it before any `sendHave`. */
  sendBitfield(have: Bitset): void
  sendChoke(choked: boolean): void
  sendSuggest(piece: number): void
  /**
   * Answers a request; resolves when the bytes have left the send queue. Sends nothing after a cancel. @throws
   * PEER_CLOSED
   */
  sendBlock(block: Block, bytes: Uint8Array): Promise<void>
  sendReject(block: Block): void
}
