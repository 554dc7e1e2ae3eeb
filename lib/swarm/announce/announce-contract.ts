import type { Clock, Random, Startable } from '../../base/index.ts'
import type { PeerInfo, SwarmId } from '../../core/index.ts'
import type { Logger } from '../../telemetry/index.ts'
import type { AnnounceAnswer, Announcer, AnnouncingNode, PeerReport, SeedRef } from '../outside.ts'

/** One torrent as the schedule sees it; its values are read again for each announce. */
export interface AnnounceSubject {
  readonly blob: SeedRef
  readonly swarmId: SwarmId
  readonly leftBytes: number
  readonly wantedPeers: number
  /** True when the torrent could use more peers than it has. */
  readonly underConnected: boolean
  reports(): readonly PeerReport[]
  /** `onAnswer` and `onUnanswered` are events: each runs to its end without waiting. */
  onAnswer(peers: readonly PeerInfo[]): void
  onUnanswered(): void
}

export interface AnnounceScheduleComponents {
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly announcer: Announcer
}

export interface AnnounceScheduleInit {
  /** Who announces. Asked at each announce: where it listens is known once it is started. */
  readonly self: () => AnnouncingNode
  /** True when others wait for whatever this node stores, so that its trackers must hear of it at once. */
  readonly seedsAwaited?: boolean
}

/**
 * When what is announced. A download is announced by itself, at its own interval; the complete blobs are told together,
 * and only what changes. `stop()` says `stopped` for everything, within a bound.
 */
export interface AnnounceSchedule extends Startable {
  /**
   * Announces the start of a download now. A second call for the same swarm replaces the subject and announces again. A
   * subject with nothing left becomes a seed. `heard`: a tracker has heard of the start without an announce and has
   * answered this, so that the next announce is the regular one.
   */
  join(subject: AnnounceSubject, heard?: Omit<AnnounceAnswer, 'swarmId'>): void
  /**
   * A tracker is about to hear of the start of a download without an announce: what it must hear before that is said
   * now, and what is no longer true is not said any more.
   */
  expect(swarmId: SwarmId): void
  /** Announces `completed` now; from then on the blob is a seed. */
  completed(swarmId: SwarmId): void
  /** Announces `stopped` for a download now, and for a seed with the next changes. Unknown swarms are ignored. */
  leave(swarmId: SwarmId): void
  has(swarmId: SwarmId): boolean
}
