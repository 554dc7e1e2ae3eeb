import type { Background } from '../../base/index.ts'
import type { AnnounceSchedule } from '../announce/index.ts'
import type { AnnouncingNode } from '../outside.ts'
import type { LinkTarget, PeerConnection } from '../peer/index.ts'
import type { TorrentComponents, TorrentInit } from '../torrent/index.ts'
import type { BanList } from './ban-list.ts'
import type { Refusals } from './refusals.ts'

export interface TorrentTableComponents extends TorrentComponents {
  readonly schedule: AnnounceSchedule
  readonly refusals: Refusals
  readonly bans: BanList
  readonly tasks: Background
  readonly collectGarbage?: (() => void) | undefined
}

export interface TorrentTableInit {
  readonly self: TorrentInit['self']
  readonly verify: 'pieces' | 'whole'
  readonly gives: TorrentInit['gives']
  /** This node as trackers are told of it. Asked at each pull: where it listens is known once it is started. */
  node(): AnnouncingNode
  allows(host: string): boolean
  /** Stock clients are dialled, too. */
  readonly dialsForeign: boolean
  dial(target: LinkTarget, options: { readonly signal: AbortSignal }): Promise<PeerConnection>
  /** A link to the peer is there or on its way. */
  reaches(peer: LinkTarget['peer']): boolean
}
