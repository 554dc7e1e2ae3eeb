import type { AbortOptions, Clock, FairBucket, Random, Startable } from '../../base/index.ts'
import type { BlobRef, ByteRange, Digest, PeerAddress, PeerId, PeerRole, Repository } from '../../core/index.ts'
import type { PieceDigester } from '../../metainfo/index.ts'
import type { HeldPartial, PartialBlob } from '../../store/index.ts'
import type { Logger, Metrics } from '../../telemetry/index.ts'
import type { SwarmLimits } from '../limits.ts'
import type {
  Announcer,
  ForeignSwarms,
  HttpAdmission,
  MetainfoSource,
  OriginRing,
  PieceSource,
  SeedRef,
  SwarmStore,
} from '../outside.ts'
import type { PeerProver, PeerTransport } from '../peer/index.ts'
import type { OnWanted, PullTrace } from '../torrent/index.ts'
import type { BlobHandle } from './blob-handle.ts'
import type { SettableLimits } from './settable-limits.ts'
import type { TorrentSnapshot } from './snapshot.ts'

export type { OnWanted }

export interface SwarmEngineComponents {
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly metrics: Metrics
  readonly store: SwarmStore
  readonly announcer: Announcer
  readonly metainfo: MetainfoSource
  readonly pieces: PieceSource
  readonly transport: PeerTransport
  /** For an origin that has others beside it. */
  readonly ring?: OriginRing | undefined
  /** Undefined lets every peer in that knows the swarm. */
  readonly prover?: PeerProver | undefined
  /** Lets stock BitTorrent clients in, and dials those that trackers name; undefined keeps to nodes of ours. */
  readonly foreign?: ForeignSwarms | undefined
  /** Called when the node rests and has let go of its idle memory; default: the memory waits for V8. */
  readonly collectGarbage?: (() => void) | undefined
  /** Checks pieces and whole blobs; started and stopped by its owner. */
  readonly digester: Pick<PieceDigester, 'digest' | 'running'>
}

/** What is given to peers. The answers may change. */
export interface GiveRule {
  gives(blob: { readonly digest: Digest; readonly repository?: Repository | undefined }): boolean
  /** The same, by all that is known of a blob. */
  givesBlob(digest: Digest): Promise<boolean>
}

export interface SwarmEngineInit {
  readonly peerId: PeerId
  readonly role: PeerRole
  /** Where the node is: peers name only those of a peer's own zone to it. */
  readonly zone?: string | undefined
  /** The address for incoming peers; port 0 means any free port. */
  readonly listen: PeerAddress
  /** Limit of payload sent to peers, for all torrents together; undefined means no limit. */
  readonly uploadBytesPerSecond?: number | undefined
  /** Limit of payload received from peers, for all torrents together; undefined means no limit. */
  readonly downloadBytesPerSecond?: number | undefined
  /**
   * `whole`, the default: the digest is computed here before the last bytes of a whole body are given out and before
   * the blob is stored as complete. `pieces` trusts the metainfo; only for measurements.
   */
  readonly verify?: 'pieces' | 'whole' | undefined
  /** Peers outside these CIDRs are neither dialled nor accepted; undefined allows everybody. */
  readonly allowedPeers?: readonly string[] | undefined
  /** Limits that its operator sets. */
  readonly settable?: SettableLimits | undefined
  /** Any of all limits; counts more. */
  readonly limits?: Partial<SwarmLimits> | undefined
  /** To peers that ask for what is not given, the swarm is not known here. Default: everything is given. */
  readonly gives?: GiveRule | undefined
}

export interface OpenOptions extends AbortOptions {
  /** Told what the pull waits for, from now to the end of its reader; default nobody. */
  readonly trace?: PullTrace | undefined
}

/** A blob that comes into the store by other ways than the swarm. */
export interface ArrivingSeed {
  /** A piece is stored. */
  arrived(piece: number): void
  /** Nothing is missing any more, and the digest is right: the same as `seed`, and peers stay connected. */
  whole(): void
  /** It will not become whole: it is announced no more, and given to nobody. Without effect once it is whole. */
  failed(): void
}

/** All blobs of one node: downloads them, serves them to readers while they arrive, and to other peers. */
export interface SwarmEngine extends Startable {
  /** The address it listens on; known after the start. */
  readonly address: PeerAddress
  /**
   * A handle on the blob, as soon as its header is known; the caller must close it. A complete blob in the store never
   * uses the network.
   * @throws BLOB_UNKNOWN, NO_BACKEND_RULE, DIGEST_REFUSED, SOURCES_EXHAUSTED (nobody gave a header in time),
   * METAINFO_FAILED, METAINFO_DOUBTED, METAINFO_CONFLICT, SHUTTING_DOWN, ABORTED
   */
  open(blob: BlobRef, options?: OpenOptions): Promise<BlobHandle>
  /** Call it when a complete blob of `size` bytes is in the store: it is announced and served to peers. Idempotent. */
  seed(blob: SeedRef, size: number): void
  /**
   * Call it for what `PartialBlobs.partials` names, when nobody pulls it: it is announced as a part, and its pieces are
   * given to peers. Of too many the first ones are forgotten. What is left of a pull here needs no call.
   */
  seedPart(part: HeldPartial): void
  /**
   * Call it when a blob begins to come into the store by other ways than the swarm: it is announced, and each piece is
   * given to peers as soon as it is here. When it has become whole in another way meanwhile, `seed` ends this.
   * `onWanted` is told what agents wait for; nothing more once it is whole, and at the most once that nobody waits when it
   * has failed.
   */
  arriving(blob: SeedRef, partial: PartialBlob, onWanted?: OnWanted): ArrivingSeed
  /**
   * Call it when the blob is no longer in the store: it is announced no more, and what was read of it is given to nobody
   * any more. Idempotent.
   */
  forget(digest: Digest): void
  /** Limits the rate of all uploads of this node to peers. Blobs that it sends over HTTP must pass it as well. */
  readonly uploads: FairBucket
  /** Limits the rate of all that this node receives from peers and origins. Both rates may be set while it runs. */
  readonly downloads: FairBucket
  /**
   * From now on. Links that nobody uses are closed when there are too many; what is in use goes on, and its next step is within
   * the new limits.
   */
  readonly limits: { set(changed: SettableLimits): void }
  /**
   * What an agent that asks over HTTP is given of these bytes: an origin counts it like what it gives over the wire.
   * Undefined when it is given everything.
   */
  admitOverHttp(digest: Digest, agent: PeerId, range: ByteRange): HttpAdmission | undefined
  /** The running torrents, for administrators. */
  snapshot(): readonly TorrentSnapshot[]
}
