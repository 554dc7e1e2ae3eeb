import type { AppError, FairBucket } from '../../base/index.ts'
import type { MetaInfoHeader, PeerInfo } from '../../core/index.ts'
import type { NamedPeers } from '../../metainfo/index.ts'
import type { Logger } from '../../telemetry/index.ts'
import type { MetainfoAsker, MetainfoSource, PieceSource, SwarmStore } from '../outside.ts'
import type { PeerHello } from '../peer/index.ts'
import type { DownloadComponents } from './fetch/download-contract.ts'
import type { Prospect } from './meet/dialer.ts'
import type { AskedNames } from './shared/asked-names.ts'
import type { ArrivingContent } from './shared/content.ts'
import type { OverflowShares } from './shared/overflow-shares.ts'
import type { SliceCache } from './shared/slice-cache.ts'
import type { WarmPieces } from './shared/warm-pieces.ts'

export interface PullComponents extends Omit<DownloadComponents, 'downloads'> {
  /** The node's download rate, which all torrents share. */
  readonly downloads: FairBucket
  readonly logger: Logger
  readonly store: SwarmStore
  readonly metainfo: MetainfoSource
  readonly pieces: PieceSource
  readonly slices: SliceCache
  readonly warm: WarmPieces
  readonly overflows: OverflowShares
}

export interface PullInit {
  readonly names: AskedNames
  /** Peer id of this node. */
  readonly self: string
  /** `whole`: the digest is computed here too before the last bytes of a whole body are given out. */
  readonly verify: 'pieces' | 'whole'
  /** A tracker has taken the node in as a downloader and names others; usually before the header. */
  readonly onPeers: (named: NamedPeers) => void
  /** An origin says over HTTP who has what it does not give there. */
  readonly onNamed: (peers: readonly PeerInfo[]) => void
  /** A tracker says who begins to bring the blob. */
  readonly onTold: (peers: readonly PeerInfo[]) => void
  readonly prospect: () => Prospect
  /** Somebody was named who may be dialled. */
  readonly anyone: () => boolean
  /** Whether the trackers' metainfo of this blob is doubted: then the origins themselves are asked for it. */
  readonly direct: boolean
  /** Introduces the node to a tracker with the request for the metainfo. */
  readonly asker?: MetainfoAsker | undefined
}

/** What a pull tells its torrent; each call is one event. */
export interface PullEvents {
  /** Pieces are to be fetched. Not called for inline content. */
  onHeader(header: MetaInfoHeader): void
  /** The content came with the header: there is nothing more to come. */
  onInline(header: MetaInfoHeader): void
  /** Pieces can be offered and asked for. */
  onContent(content: ArrivingContent): void
  /** A piece is on disk. */
  onPiece(piece: number): void
  /** Every piece is there and the digest holds: the blob is complete in the store. */
  onComplete(): void
  /**
   * No header came (BLOB_UNKNOWN, NO_BACKEND_RULE, DIGEST_REFUSED, NAME_INVALID), the blob is wrong (METAINFO_FAILED,
   * METAINFO_CONFLICT), or its metainfo may be (METAINFO_DOUBTED): then the next pull should be a `direct` one.
   */
  onFailed(err: AppError): void
  onLiar(id: string, hello?: PeerHello): void
}
