import type { AbortOptions } from '../../../lib/base/index.ts'
import type { AnnounceChange } from '../announced.ts'
import type { Follower } from './follower.ts'
import type { FollowerChanges } from './follower-changes.ts'
import { type Inbox, type InboxComponents, type InboxEntry, inbox } from './inbox.ts'
import { shardOfRepository } from './replication-keys.ts'

/** Where changes of tags are announced. */
export interface Outbox {
  readonly inbox: Inbox
  /** Called before a tag is changed; see `AnnounceChange`. */
  readonly announce: AnnounceChange
  add(entry: Omit<InboxEntry, 'atMs'>, options?: AbortOptions): Promise<void>
  /** Called with the shard of whatever was added. */
  onAdded: (shard: number) => void
}

export interface OutboxComponents extends InboxComponents {
  readonly followers: ReadonlyMap<string, Follower>
  readonly changes: FollowerChanges
}

export function outbox({ followers, changes, ...components }: OutboxComponents): Outbox {
  const box = inbox(components)
  const out: Outbox = {
    inbox: box,
    async announce({ repository, tag }, options) {
      await changes.fresh(options)
      if (![...followers.values()].some((each) => each.mayWant(repository, tag))) return () => Promise.resolve()
      const entry = await box.add({ kind: 'change', repository, tag }, options)
      return async (within) => {
        await box.put({ ...entry, made: true }, within)
        out.onAdded(shardOfRepository(repository))
      }
    },
    async add(entry, options) {
      await box.add(entry, options)
      out.onAdded(shardOfRepository(entry.repository))
    },
    onAdded: () => undefined,
  }
  return out
}
