import type { AppError, Bitset } from '../../base/index.ts'
import type { PeerAddress, PeerId, PeerInfo, PeerRole, PullClass } from '../../core/index.ts'
import type { Denial, Want } from '../wire/index.ts'

/** A part of a piece; `offset` and `length` are in bytes within the piece. */
export interface Block {
  readonly piece: number
  readonly offset: number
  readonly length: number
}

/** What the other side said in the two handshakes (BEP 3 and BEP 10); both are checked against our header. */
export interface PeerHello {
  readonly peerId: PeerId
  /** A stock BitTorrent client, which speaks nothing of ours. */
  readonly foreign: boolean
  /** Remote address of the connection (from the socket). */
  readonly address: PeerAddress
  /** `p` of the extension handshake: the port it listens on; undefined when it gave none. */
  readonly listenPort: number | undefined
  readonly role: PeerRole
  readonly zone?: string | undefined
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
  /** What it wants this origin to bring first, in place of what it has said before at this priority. */
  onWant(want: Want): void
}

/** What becomes of the connection itself. */
export interface LinkEvents {
  /**
   * Without `denial` the other side is full. With it, it does not give that piece now: the rejection follows. The peers
   * may have what is wanted.
   */
  onBusy(peers: readonly PeerInfo[], denial?: Denial): void
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
  /** At which class the other side asks now. */
  readonly pullClass: PullClass
  readonly stats: PeerStats
  /**
   * Starts the delivery of events; call it once, before anything else. Earlier events are delivered first, in order.
   */
  attach(events: PeerEvents): void
  /** Says that we are full, or with `denial` why a piece is about to be rejected, and who else may have the blob. */
  sendBusy(peers: readonly PeerInfo[], denial?: Denial): void
  /** Destroys the socket. Idempotent. */
  close(err?: AppError): void
}

/**
 * What becomes of one request: `onBlock` or `onFailed`, once, after which nothing is written to its memory; neither of
 * them once it is withdrawn.
 */
export interface RequestEvents {
  /** The payload is there. Called while the socket is being read, so it must not throw. */
  onBlock(): void
  /** PEER_REJECTED, PEER_CLOSED, SIZE_INVALID, or WIRE_QUEUE_FULL (more than `maxOpenRequests` at once). Called later. */
  onFailed(err: AppError): void
  /** The request was withdrawn, and its payload came after all, so many bytes of it: nobody gets it. */
  onUnwanted(bytes: number): void
}

/** The other side as a source of blocks. */
export interface BlockSource {
  /** True while the other side does not serve us. Starts as true. */
  readonly choked: boolean
  /** Number of requests that were sent and not yet answered. */
  readonly openRequests: number
  /**
   * Requests a block, whose payload is read directly into `into` (exactly `block.length` bytes). The result withdraws the
   * request: from then on nothing is written to `into`, and the other side is told. Withdrawing it again does nothing.
   */
  request(block: Block, into: Uint8Array, events: RequestEvents): () => void
  sendInterested(interested: boolean): void
  /** Says what the other side should bring first; nothing is sent to who does not bring anything. */
  sendWant(want: Want): void
  /** Says at which class is asked from now on; until then it is `normal`. */
  sendClass(pullClass: PullClass): void
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
