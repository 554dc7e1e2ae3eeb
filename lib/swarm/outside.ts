import type { AbortOptions } from '../base/index.ts'
import type {
  BlobRef,
  ByteRange,
  Digest,
  InfoHash,
  PeerAddress,
  PeerId,
  PeerInfo,
  PeerRole,
  PullClass,
  SwarmId,
} from '../core/index.ts'
import type { MetainfoRecord } from '../metainfo/index.ts'
import type { BlobReader, PartialBlobs } from '../store/index.ts'
import type { Want } from './wire/index.ts'

/**
 * What the swarm needs from outside, as three interfaces; services implement them with lib/api, tests in memory. Each
 * blob comes with its repository, so that an origin finds the backend rule; the swarm itself does not use it.
 */

/** A blob that this node has completely. Its repository may be unknown, because no backend is needed for it. */
export type SeedRef = Pick<BlobRef, 'digest'> & Partial<Pick<BlobRef, 'repository'>>

/** The only parts of the local store that the swarm needs. */
export interface SwarmStore extends BlobReader, PartialBlobs {}

/** Why an announce is sent; `interval` is the regular one. */
export type AnnounceEvent = 'started' | 'interval' | 'completed' | 'stopped'

/** The record of one peer since the last announce. */
export interface PeerReport {
  readonly peerId: string
  readonly receivedBytes: number
  readonly sentBytes: number
  /** How often it did not give in time what it was asked for. */
  readonly failures: number
  /** Total time that we waited for the blocks it gave, in milliseconds. */
  readonly costMs: number
}

/** The entry of one torrent in a batch. */
export interface AnnounceEntry extends SeedRef {
  readonly swarmId: SwarmId
  readonly event: AnnounceEvent
  /** Bytes that are still missing; 0 for a seeder. */
  readonly leftBytes: number
  /** How many peers the answer should list; 0 for a pure seeder. */
  readonly wantPeers: number
  readonly reports: readonly PeerReport[]
}

export interface AnnounceAnswer {
  readonly swarmId: SwarmId
  /** Best peer first; never the announcing peer itself. */
  readonly peers: readonly PeerInfo[]
  readonly intervalMs: number
}

/** This node as a peer. Its host is where it listens, which may stand for every address of the machine. */
export interface AnnouncingNode extends PeerAddress {
  readonly peerId: PeerId
  readonly role: PeerRole
  /** What it could upload beside what it uploads now; undefined when it has no limit. */
  readonly spareBytesPerSecond?: number | undefined
}

/** What trackers know of stock BitTorrent clients. */
export interface ForeignSwarms {
  /** The swarm of the blob whose torrent has the info-hash; undefined when no tracker knows one. */
  swarmOf(infoHash: InfoHash, options: AbortOptions): Promise<SwarmId | undefined>
}

/** The node has the blob completely from now on, or has it no longer. */
export interface SeedChange {
  readonly blob: SeedRef
  readonly swarmId: SwarmId
  readonly seeded: boolean
}

export interface SeedsTold {
  /** False when a tracker did not answer: call again soon, with no changes. */
  readonly told: boolean
  /** The time until the trackers should hear again that the node is alive; undefined when they need not. */
  readonly intervalMs: number | undefined
}

/** Tells trackers what this node has and learns who else has it. */
export interface Announcer {
  /**
   * One call for many torrents of `self`; the implementation groups them by the tracker that owns each and fails over.
   * An entry no tracker could take is missing from the answer: the caller tries again and goes on with whom it knows.
   * @throws ABORTED only
   */
  announce(
    self: AnnouncingNode,
    batch: readonly AnnounceEntry[],
    options?: AbortOptions,
  ): Promise<readonly AnnounceAnswer[]>
  /**
   * Tells what `self` has completely. The implementation takes the changes over and remembers what each tracker knows,
   * so each change comes once; without changes the call says that the node is alive. Calls may overlap.
   * @throws ABORTED only
   */
  tellSeeds(self: AnnouncingNode, changes: readonly SeedChange[], options?: AbortOptions): Promise<SeedsTold>
  /**
   * Calls back after each change of who the trackers are, until the result is called: others are to hear then of some
   * torrents. Default: they never change.
   */
  onMoved?(listener: () => void): () => void
}

export interface MetainfoOptions extends AbortOptions {
  /** Ask an origin itself instead of a tracker, because a tracker's word is doubted. Default false. */
  readonly direct?: boolean
  /**
   * The node downloads the blob and says so with the same request, as with an announce of `started`: then a `peers`
   * record may come, as soon as a tracker knows somebody. Not with `direct`.
   */
  readonly asker?: MetainfoAsker | undefined
}

/** A node that begins to download a blob. */
export interface MetainfoAsker {
  readonly node: AnnouncingNode
  /** How many peers the answer should list. */
  readonly wantPeers: number
}

/** Opens the metainfo stream of a blob. */
export interface MetainfoSource {
  /**
   * Each call opens one stream from one source; the caller reconnects.
   * @throws BLOB_UNKNOWN, NO_BACKEND_RULE (every source says so), DIGEST_REFUSED, SOURCES_EXHAUSTED (nobody answers),
   * ABORTED
   */
  open(blob: BlobRef, options?: MetainfoOptions): AsyncIterable<MetainfoRecord>
}

/** What an origin answers to an agent that asks over HTTP for pieces that follow each other. */
export interface HttpAdmission {
  /** So many of them, from the first one on, are given. */
  readonly pieces: number
  /** When asking again for the next one makes sense, in milliseconds; 0 when all are given. */
  readonly retryAfterMs: number
  /** Who has the next one. */
  readonly peers: readonly PeerInfo[]
}

/** The origins of the cluster, as one of them sees them: they divide the pieces of a blob among themselves. */
export interface OriginRing {
  /** Member id of this origin. */
  readonly self: string
  /** Member ids of those that own the digest at this moment. */
  owners(digest: Digest): readonly string[]
}

/** The last sources to try: the origins over HTTP, one after the other on the ring. */
export interface PieceSource {
  /**
   * Exactly the bytes of `range`, unverified. @throws BLOB_UNKNOWN, SOURCES_EXHAUSTED, ABORTED, ORIGIN_BUSY with an
   * `HttpAdmission` as its detail: the origins give these pieces to others
   */
  read(
    blob: BlobRef,
    range: ByteRange,
    options?: AbortOptions & { readonly pullClass?: PullClass | undefined },
  ): AsyncIterable<Uint8Array>
  /** Tells an origin that brings the blob which ranges are wanted first. @throws as `read` */
  want(blob: BlobRef, want: Want, options?: AbortOptions): Promise<void>
}
