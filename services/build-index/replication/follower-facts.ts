import type { AbortOptions, Startable } from '../../../lib/base/index.ts'
import type { Repository, Tag } from '../../../lib/core/index.ts'

/** What holds for every follower. */
export interface FollowerFacts extends Startable {
  readonly name: string
  /** It must stand in no message about a failure. */
  readonly secret: string | undefined
  /** Fires when it is no follower any more, or another one in its place: all work for it ends. */
  readonly over: AbortSignal
  /** Whether changes of the tag may be for it. */
  mayWant(repository: Repository, tag: Tag): boolean
  /** How long it may be sent to from now on, and how long until it may; milliseconds. */
  openForMs(): number
  opensInMs(): number
  /** Whether what was given up for it is worth another try now. */
  answers(options: AbortOptions): Promise<boolean>
}
