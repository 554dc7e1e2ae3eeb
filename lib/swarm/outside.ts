import type { AbortOptions } from '../base/index.ts'
import type { BlobRef, ByteRange, PeerAddress, PeerId, PeerInfo, PeerRole, SwarmId } from '../core/index.ts'
import type { MetainfoRecord } from '../metainfo/index.ts'
import type { BlobReader, PartialBlobs } from '../store/index.ts'

/**
 * What the swarm needs from outside, as three interfaces; services implement them with lib/api, tests in memory.
 * A repository travels with a blob so that an origin knows which backend rule to use; the swarm does not read it.
 */

/** A blob that is here whole. Its repository may be forgotten: who has the bytes needs no backend. */
export type SeedRef = Pick<BlobRef, 'digest'> & Partial<Pick<BlobRef, 'repository'>>

/** Of the local store the swarm needs no more than this. */
export interface SwarmStore extends BlobReader, PartialBlobs {}

/** Why an announce is sent; `interval` is the regular one. */
export type AnnounceEvent = 'started' | 'interval' | 'completed' | 'stopped'

/** How one peer did since the last announce; input of later policies. */
export interface PeerReport {
  readonly peerId: string
  readonly receivedBytes: number
  readonly sentBytes: number
  /** Times that it did not give in time what it was asked for. */
  readonly failures: number
  /** Milliseconds that the blocks it gave were waited for, added up. */
  readonly costMs: number
}

/** One torrent's line in a batch. */
export interface AnnounceEntry extends SeedRef {
  readonly swarmId: SwarmId
  readonly event: AnnounceEvent
  /** Bytes still missing; 0 for a seeder. */
  readonly leftBytes: number
  /** How many peers the answer should name; 0 for a pure seeder. */
  readonly wantPeers: number
  readonly reports: readonly PeerReport[]
}

export interface AnnounceAnswer {
  readonly swarmId: SwarmId
  /** Best first; never the asker itself. */
  readonly peers: readonly PeerInfo[]
  readonly intervalMs: number
}

/** This node as a peer. Its host is where it listens, which may stand for every address of the machine. */
export interface AnnouncingNode extends PeerAddress {
  readonly peerId: PeerId
  readonly role: PeerRole
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
}

export interface MetainfoOptions extends AbortOptions {
  /** From an origin itself, not through a tracker: what one tracker says is doubted. Default false. */
  readonly direct?: boolean
}

/** Opens the metainfo stream of a blob. */
export interface MetainfoSource {
  /**
   * Reconnecting is the caller's business; each call is one stream from one party.
   * @throws BLOB_UNKNOWN, NO_BACKEND_RULE (every party says so), DIGEST_REFUSED, SOURCES_EXHAUSTED (nobody answers),
   *   ABORTED
   */
  open(blob: BlobRef, options?: MetainfoOptions): AsyncIterable<MetainfoRecord>
}

/** The lower rungs of the ladder: the origins over HTTP, one after the other on the ring. */
export interface PieceSource {
  /** Unverified bytes of `range`, exactly as many as asked for. @throws BLOB_UNKNOWN, SOURCES_EXHAUSTED, ABORTED */
  read(blob: BlobRef, range: ByteRange, options?: AbortOptions): AsyncIterable<Uint8Array>
}
