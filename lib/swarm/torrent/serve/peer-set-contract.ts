import type { AppError, Background, Clock, Random, Wheel } from '../../../base/index.ts'
import type { Digest, PeerId, PeerInfo } from '../../../core/index.ts'
import type { Logger } from '../../../telemetry/index.ts'
import type { SwarmLimits } from '../../limits.ts'
import type { Denial, PeerConnection, PeerHello, Want } from '../../peer/index.ts'
import type { ConnectionCount } from '../meet/dialer.ts'
import type { Conducts } from '../shared/conducts.ts'
import type { Content } from '../shared/content.ts'
import type { AdmissionComponents } from './admission.ts'
import type { BlockSender, BlockSenderComponents } from './block-sender.ts'
import type { Self } from './takes-from.ts'

export interface PeerSetComponents extends BlockSenderComponents, Pick<AdmissionComponents, 'ring'> {
  readonly clock: Clock
  readonly wheel: Wheel
  readonly random: Random
  readonly logger: Logger
  readonly limits: SwarmLimits
  readonly connections: ConnectionCount
}

export interface PeerSetInit {
  readonly self: Self
  readonly digest: Digest
  readonly content: Content
  /** Whether this node wants what it lacks from peers; else it comes another way, or nothing is missing. */
  readonly wants: boolean
  /** Whether peers may have it; the answer may change. */
  readonly gives: () => boolean
  readonly tasks: Background
  readonly conducts: Pick<Conducts, 'take' | 'ids'>
  /** A tracker named the peer the last time. */
  readonly isNamed: (peerId: PeerId) => boolean
}

/** What peers do that concerns the download; each call is one event. */
export type PeerSetEvents = PeerSupplyEvents & PeerLifeEvents

/** What a peer would give, whom we may ask. */
export interface PeerSupplyEvents {
  onPeer(connection: PeerConnection): void
  onHave(id: PeerId, piece: number | undefined): void
  onChoke(id: PeerId): void
  onSuggest(id: PeerId, piece: number): void
  /** It does not give a piece now. */
  onDenied(id: PeerId, denial: Denial): void
}

/** What becomes of peers. */
export interface PeerLifeEvents {
  /** `gave` when bytes came from it. */
  onGone(id: PeerId, gave: boolean): void
  /** The peer is full, or denies a piece, and names others. */
  onNamed(hello: PeerHello, peers: readonly PeerInfo[]): void
  /** What it wants to be brought first. */
  onWant(id: PeerId, want: Want): void
  /** A complete blob could not be read: it was evicted or its file is broken. */
  onUnreadable(err: AppError): void
}

/** A peer of the set. */
export interface Member {
  readonly connection: PeerConnection
  readonly sender: BlockSender
  /** We may ask it for pieces. */
  gives: boolean
  /** We have told it that we want something. */
  interested: boolean
  /** Since when it wants something of us. */
  waitingSinceMs: number | undefined
  servedSinceMs: number | undefined
  usedAtMs: number
}
