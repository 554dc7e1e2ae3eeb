import type { Backend } from '../../lib/backend/index.ts'
import { type AbortOptions, hasCode } from '../../lib/base/index.ts'
import type { Repository } from '../../lib/core/index.ts'
import { indexKey, manifestPrefix } from './index-keys.ts'
import type { TagRecords } from './tag-records.ts'

export interface CatalogComponents {
  readonly backend: Backend
  readonly tags: Pick<TagRecords, 'list'>
}

/**
 * Which repositories are listed: each has a mark. Who adds an entry makes it first and looks for the mark after it; who
 * finds a repository empty removes the mark first, and then looks for entries again. So one of the two sees the other,
 * and an entry that was acknowledged has its mark, however they overlap. What a process that ends in between leaves
 * behind is put right by the next push, and by the next look for garbage. Every method: @throws BACKEND_UNAVAILABLE,
 * BACKEND_CORRUPT, ABORTED
 */
export interface Catalog {
  has(repository: Repository, options?: AbortOptions): Promise<boolean>
  /** Called after an entry was made. */
  enter(repository: Repository, options?: AbortOptions): Promise<void>
  /** Called after an entry was removed: a repository without a manifest and without a tag is listed no longer. */
  leaveIfEmpty(repository: Repository, options?: AbortOptions): Promise<void>
}

export function catalog({ backend, tags }: CatalogComponents): Catalog {
  const markOf = (repository: Repository) => indexKey(repository, { kind: 'repository' })

  const isEmpty = async (repository: Repository, { signal }: AbortOptions) => {
    const { keys } = await backend.list(manifestPrefix(repository), { signal, limit: 1 })
    return keys.length === 0 && (await tags.list(repository, { n: 1, signal })).tags.length === 0
  }

  const has: Catalog['has'] = async (repository, { signal } = {}) =>
    (await backend.stat(markOf(repository), { signal })) !== undefined

  const enter: Catalog['enter'] = async (repository, { signal } = {}) => {
    if (await has(repository, { signal })) return
    try {
      await backend.write(markOf(repository), new Uint8Array(), { signal, size: 0, ifAbsent: true })
    } catch (err) {
      if (!hasCode(err, 'BACKEND_PRECONDITION_FAILED')) throw err
    }
  }

  return {
    has,
    enter,
    async leaveIfEmpty(repository, { signal } = {}) {
      if (!(await isEmpty(repository, { signal }))) return
      await backend.delete(markOf(repository), { signal })
      if (!(await isEmpty(repository, { signal }))) await enter(repository, { signal })
    },
  }
}
