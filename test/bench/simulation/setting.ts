import type { Random } from '../../../lib/base/index.ts'
import type { Link } from './link.ts'
import type { News } from './news.ts'
import type { Scenario } from './scenario.ts'
import type { Timeline } from './timeline.ts'

/** What every part of a run shares. */
export interface Setting {
  readonly timeline: Timeline
  readonly scenario: Scenario
  readonly random: Random
  readonly news: News
  /** The link from one zone to another. */
  readonly between: (from: number, to: number) => Link
}
