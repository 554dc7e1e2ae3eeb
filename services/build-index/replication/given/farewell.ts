import type { AbortOptions } from '../../../../lib/base/index.ts'
import { hasCode } from '../../../../lib/base/index.ts'
import type { Journal } from '../../../../lib/journal/index.ts'
import { remoteOf } from '../executor.ts'
import type { Follower } from '../follower.ts'
import type { FollowerChanges } from '../follower-changes.ts'

export interface FarewellComponents {
  readonly followers: ReadonlyMap<string, Follower>
  readonly changes: FollowerChanges
}

/** The tasks for remotes that are gone are ended, whether they wait, are dead, or come from another build-index. */
export interface Farewell {
  /** Does nothing as long as the followers are those of the last look. */
  look(options: AbortOptions): Promise<void>
}

export function farewell({ followers, changes }: FarewellComponents, journal: Journal): Farewell {
  let seen: AbortSignal | undefined
  const isGone = (name: string) => !followers.has(name) && changes.isGone(name)
  return {
    async look({ signal }) {
      const { next } = changes
      if (seen === next) return
      for (let after: string | undefined = ''; after !== undefined; ) {
        const page = journal.list({ after })
        for (const task of page.tasks) {
          signal?.throwIfAborted()
          // Its next run finds that nobody has the name any more.
          if (isGone(remoteOf(task))) await retried(journal, task.id)
        }
        after = page.next
      }
      seen = next
    },
  }
}

async function retried(journal: Journal, id: string): Promise<void> {
  try {
    await journal.retry(id)
  } catch (err) {
    if (!hasCode(err, 'TASK_UNKNOWN')) throw err
  }
}
