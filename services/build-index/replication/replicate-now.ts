import { type AbortOptions, appError } from '../../../lib/base/index.ts'
import type { Repository, Tag } from '../../../lib/core/index.ts'
import type { Remote } from './remote.ts'
import type { ReplicationDesk } from './replicator.ts'

/**
 * Asks for one tag to be replicated now, to all remotes with a rule for it or to `remote`; returns their names when the
 * order is durable. @throws MANIFEST_UNKNOWN when there is no such tag
 */
export type ReplicateNow = (
  image: { readonly repository: Repository; readonly tag: Tag },
  options: AbortOptions & { readonly remote?: string | undefined },
) => Promise<readonly string[]>

export function replicateNow(
  { tags, outbox }: Pick<ReplicationDesk, 'tags' | 'outbox'>,
  remotes: ReadonlyMap<string, Remote>,
): ReplicateNow {
  return async ({ repository, tag }, { remote, signal }) => {
    if ((await tags.read(repository, tag, { signal }))?.target === undefined) throw appError('MANIFEST_UNKNOWN')
    const wanting = [...remotes.values()].filter((each) => each.mayWant(repository, tag)).map(({ name }) => name)
    const names = remote === undefined ? wanting : [remote]
    if (names.length > 0) await outbox.add({ kind: 'now', repository, tag, remotes: names }, { signal })
    return names
  }
}
