import type { AppError, Deferred } from '../../base/index.ts'
import type { IdleCount } from './idle-count.ts'
import type { Lane, LaneHost } from './lane.ts'
import type { LaneReader } from './lane-drain.ts'
import type { LaneInit, LinkOwner, OfferedLane, Wire } from './wire-contract.ts'

export interface LaneTableInit {
  readonly host: LaneHost
  /** Numbers are even when this side dialled, odd at the other side; they only grow. Lane 0 is the first. */
  readonly dialled: boolean
  /** Both sides share links; then there is an owner, who is asked. */
  readonly owner: () => Pick<LinkOwner, 'admit'> | undefined
  readonly idle: IdleCount
  onLane(lane: Omit<OfferedLane, 'link'>): void
  /** A lane, perhaps the last one, has come or gone. */
  onUse(): void
  /** The first lane starts, or has ended before. */
  onStart(): void
  /** The link must be closed. */
  onFailure(err: AppError | undefined): void
}

/**
 * `asked`: we wait for their answer. `admitting`: they wait for ours. `closing`: we have closed it, and they have not
 * yet; what comes meanwhile is ignored.
 */
export type LaneSlot =
  | { state: 'asked'; readonly init: LaneInit; readonly answer: Deferred<Wire> }
  | { state: 'admitting'; readonly left: AbortController; lane: Lane | undefined }
  | { state: 'open'; readonly lane: Lane }
  | { state: 'closing'; readonly drain: LaneReader; accepted: boolean; minutes: number }
