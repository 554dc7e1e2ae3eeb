import type { Random } from '../../../base/index.ts'
import type { PieceMap } from '../../../core/index.ts'
import type { PieceDigester } from '../../../metainfo/index.ts'
import type { PeerHello } from '../../peer/index.ts'
import type { PickScope, ReaderWindow } from '../../picker/index.ts'
import type { PiecePool } from '../shared/piece-pool.ts'
import type { PieceSourceKind } from '../shared/pull-summary.ts'
import type { SwarmMeters } from '../shared/swarm-meters.ts'
import type { VerifiedPiece } from '../shared/verified-piece.ts'
import type { BlockRequestsComponents } from './block-requests.ts'

export interface DownloadComponents extends BlockRequestsComponents {
  readonly random: Random
  readonly meters: SwarmMeters
  readonly buffers: PiecePool
  readonly digester: Pick<PieceDigester, 'digest' | 'running'>
}

/** What a download fills; the pull. Each call is one event. */
export interface DownloadTarget {
  readonly map: PieceMap
  /** Peer id of this node. */
  readonly self: string
  /** SHA-256 of a piece whose record is known. */
  hashOf(piece: number): Uint8Array | undefined
  /** The piece is not here. When that changes, and it was not under way, `reconsider` is called. */
  lacks(piece: number): boolean
  /** Which missing pieces are of use now. */
  scope(): PickScope
  windows(nowMs: number): readonly ReaderWindow[]
  /** Bytes of the blob that are not here. */
  leftBytes(): number
  /** Takes over a verified piece; resolves when it is stored, or could not be stored. Never rejects. */
  take(piece: number, verified: VerifiedPiece): Promise<void>
  /** Whether the hashes come from an origin itself: then a wrong piece is the fault of its giver. */
  trusted(): boolean
  events: {
    /** What is to be fetched was looked at again: whoever waits may wait for something else now. */
    onLooked(): void
    /** There may be memory for a piece that could not be started. */
    onRoom(): void
    onReceived(from: PieceSourceKind, bytes: number): void
    /** A peer sent wrong bytes, or `HTTP` did. `hello` is given when it may have left since. */
    onLiar(id: string, hello?: PeerHello): void
    /** Two independent sources gave the same bytes, and these do not match the hash. */
    onAgreed(): void
    /** Something here threw that never should: the download cannot be relied on any more. */
    readonly onBroken: (err: unknown) => void
  }
}
