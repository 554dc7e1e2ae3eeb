import { type AbortOptions, appError } from '../../../lib/base/index.ts'
import type { Repository, Tag } from '../../../lib/core/index.ts'
import type { Remote } from './remote.ts'
import type { ReplicationDesk } from './replicator.ts'

/** A remote that a tag was ordered to be sent to. */
export interface OrderedReplication {
  readonly remote: string
  /** Of its status before the order, so that whoever follows it knows the one that the order makes. Undefined: there was none. */
  readonly updatedAtMs: number | undefined
}

/**
 * Asks for one tag to be replicated now, to all remotes with a rule for it or to `remote`; returns them when the
 * order is durable. @throws MANIFEST_UNKNOWN when there is no such tag
 */
export type ReplicateNow = (
  image: { readonly repository: Repository; readonly tag: Tag },
  options: AbortOptions & { readonly remote?: string | undefined },
) => Promise<readonly OrderedReplication[]>

export interface ReplicateNowComponents {
  readonly tags: Pick<ReplicationDesk['tags'], 'read'>
  readonly outbox: ReplicationDesk['outbox']
  readonly statuses: Pick<ReplicationDesk['statuses'], 'get'>
}

export function replicateNow(
  { tags, outbox, statuses }: ReplicateNowComponents,
  remotes: ReadonlyMap<string, Pick<Remote, 'name' | 'mayWant'>>,
): ReplicateNow {
  return async ({ repository, tag }, { remote, signal }) => {
    if ((await tags.read(repository, tag, { signal }))?.target === undefined) throw appError('MANIFEST_UNKNOWN')
    const wanting = [...remotes.values()].filter((each) => each.mayWant(repository, tag)).map(({ name }) => name)
    const names = remote === undefined ? wanting : [remote]
    const before = await Promise.all(
      names.map(async (name) => {
        const status = await statuses.get({ remote: name, repository, tag }, { signal })
        return { remote: name, updatedAtMs: status?.updatedAtMs }
      }),
    )
    if (names.length > 0) await outbox.add({ kind: 'now', repository, tag, remotes: names }, { signal })
    return before
  }
}
