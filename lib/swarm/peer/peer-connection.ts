import type { AbortOptions, AppError, Bitset } from '../../base/index.ts'
import type { PeerAddress, PeerId, PeerRole } from '../../core/index.ts'

/** Part of a piece. `offset` and `length` in bytes within the piece. */
export interface Block {
  readonly piece: number
  readonly offset: number
  readonly length: number
}

/** What the two handshakes (BEP 3 and BEP 10) told of the other side; both have been checked against our header. */
export interface PeerHello {
  readonly peerId: PeerId
  /** Where the connection came from or went to (the socket's own address). */
  readonly address: PeerAddress
  /** `p` of the extension handshake: where it listens; undefined when it said nothing. */
  readonly listenPort: number | undefined
  readonly role: PeerRole
  /** Agreed block length, the smaller of the two offers. Bytes. */
  readonly blockLength: number
  readonly direction: 'dialled' | 'accepted'
}

/** What a connection tells its torrent. Called one at a time, never re-entrantly from a method of the connection. */
export interface PeerEvents {
  /** The pieces it has changed (bitfield, have-all, have-none, have); `piece` is set for a single have. */
  onHave(piece: number | undefined): void
  /** The other side choked or unchoked us; open requests of a choked connection are rejected with PEER_REJECTED. */
  onChoke(choked: boolean): void
  onInterest(interested: boolean): void
  onSuggest(piece: number): void
  /** A well-formed request for a block inside the blob; whether we have it is for the torrent to say. */
  onRequest(block: Block): void
  /** The other side no longer wants a block; answering it all the same is allowed. */
  onCancel(block: Block): void
  /** Once, last of all. `err` is undefined for an orderly close by us. */
  onClose(err: AppError | undefined): void
}

/** Counters that only grow; payload bytes of blocks. */
export interface PeerStats {
  readonly receivedBytes: number
  readonly sentBytes: number
}

/** One peer on one connection for one blob, after both handshakes. Every method is a no-op once it is closed. */
export type PeerConnection = PeerLink & BlockSource & BlockSink

/** The connection itself, and what the other side has. */
export interface PeerLink {
  readonly hello: PeerHello
  /** Pieces the other side has. Live. */
  readonly remoteHave: Bitset
  readonly stats: PeerStats
  /** Delivery of events; call once, before anything else. Events that came before are delivered then, in order. */
  attach(events: PeerEvents): void
  /** Destroys the socket. Idempotent. */
  close(err?: AppError): void
}

export interface RequestOptions extends AbortOptions {
  /** The payload came after all, so many bytes of it, when the request had been withdrawn: nobody gets it. */
  readonly onUnwanted?: ((bytes: number) => void) | undefined
}

/** The other side as one that gives us blocks. */
export interface BlockSource {
  /** The other side does not serve us now. Starts true. */
  readonly choked: boolean
  /** Requests sent and not yet answered. */
  readonly openRequests: number
  /**
   * Asks for a block and copies its payload straight into `into` (exactly `block.length` bytes).
   * Once it has settled, in whatever way, `into` is never written again. On ABORTED a cancel is sent.
   * @throws PEER_REJECTED, PEER_CLOSED, ABORTED, WIRE_QUEUE_FULL (more than MAX_OPEN_REQUESTS at once)
   */
  request(block: Block, into: Uint8Array, options?: RequestOptions): Promise<void>
  sendInterested(interested: boolean): void
}

/** The other side as one that we give blocks to. */
export interface BlockSink {
  sendHave(piece: number): void
  /** Bitfield, or have-all / have-none (BEP 6) where they say it shorter. Before any `sendHave`. */
  sendBitfield(have: Bitset): void
  sendChoke(choked: boolean): void
  sendSuggest(piece: number): void
  /** Answers a request; resolves when the bytes have left the send queue. Skipped when a cancel came meanwhile. @throws PEER_CLOSED */
  sendBlock(block: Block, bytes: Uint8Array): Promise<void>
  sendReject(block: Block): void
}
