import type { AppError } from '../../base/index.ts'
import type { BlobRef, MetaInfoHeader, PeerInfo } from '../../core/index.ts'
import type { NamedPeers } from '../../metainfo/index.ts'
import type { MetainfoAsker, OriginRing, SeedRef } from '../outside.ts'
import type { PeerConnection, PeerHello } from '../peer/index.ts'
import type { GivenContent } from './given.ts'
import type { ConnectionCount } from './meet/dialer.ts'
import type { PullComponents } from './pull-contract.ts'
import type { Self } from './serve/takes-from.ts'
import type { UploadLane } from './serve/upload-lane.ts'

export interface TorrentComponents extends Omit<PullComponents, 'conducts'> {
  readonly lane: UploadLane
  readonly connections: ConnectionCount
  /** Undefined for agents, and for an origin that is alone. */
  readonly ring?: OriginRing | undefined
}

/** A blob to pull; or one of which all or a part is in the store, or comes there by other ways: then nothing is pulled. */
export type TorrentContent =
  | { readonly blob: BlobRef; readonly given?: undefined }
  | { readonly blob: SeedRef; readonly given: GivenContent }

export interface TorrentInit {
  readonly content: TorrentContent
  readonly self: Self
  readonly verify: 'pieces' | 'whole'
  /** Whether peers may have it; the answer may change. */
  readonly gives: (blob: SeedRef) => boolean
  /** What trackers say of this blob is doubted. */
  readonly direct: boolean
  /** Introduces this node to a tracker with the request for the metainfo. */
  readonly asker?: MetainfoAsker | undefined
  dial(peer: PeerInfo, header: MetaInfoHeader, signal: AbortSignal): Promise<PeerConnection>
  /** A link to the peer is there or on its way. */
  reaches(peer: PeerInfo): boolean
  /** Banned, outside of the allowed networks, or ourselves. */
  avoids(peer: PeerInfo): boolean
  /** A tracker has heard that this node downloads the blob, and names others. */
  onPeers(named: NamedPeers): void
}

/** What a torrent, a `T`, tells the engine; each call is one event. */
export interface TorrentEvents<T> {
  /** The header is known and pieces are to be fetched. */
  onHeader(torrent: T): void
  /** The content came with the header; the engine drops the torrent. */
  onInline(torrent: T, header: MetaInfoHeader): void
  /** The blob is complete in the store. */
  onComplete(torrent: T, header: MetaInfoHeader): void
  /** Nobody has a use for it any more; the engine drops the torrent. The header, if it has come. */
  onUseless(torrent: T, header: MetaInfoHeader | undefined): void
  /** The pull failed for good; the engine drops the torrent. */
  onFailed(torrent: T, blob: BlobRef, err: AppError): void
  /** The peer sent wrong bytes. */
  onLiar(hello: PeerHello): void
  /** The complete blob cannot be read; the engine forgets it. */
  onUnreadable(torrent: T, err: AppError): void
}
