import type { RetentionVerdict } from '../../../lib/api/index.ts'
import type { Backend } from '../../../lib/backend/index.ts'
import { type AbortOptions, appError, type Clock, inTurns, type TokenBucket } from '../../../lib/base/index.ts'
import type { Repository, Tag } from '../../../lib/core/index.ts'
import type { Catalog } from '../catalog.ts'
import { tagPrefix } from '../index-keys.ts'
import { keyPages } from '../key-pages.ts'
import type { TagRecords } from '../tag-records.ts'
import type { TagRecord } from '../tag-version.ts'
import type { JudgeTags, TagFacts } from './judge-tags.ts'
import type { PullNotes } from './pull-notes.ts'
import { pullKey } from './retention-keys.ts'

/** Tags of one repository that are judged together: the newest are found among all of them. */
export const MAX_TAGS = 100_000
/** Tags read or removed at the same time. */
const AT_ONCE = 8

export interface RepositoryRetentionComponents {
  /** Of the index. */
  readonly backend: Backend
  readonly tags: Pick<TagRecords, 'read' | 'delete'>
  readonly catalog: Pick<Catalog, 'leaveIfEmpty'>
  readonly notes: Pick<PullNotes, 'recordedSinceMs' | 'pulledAtMs'>
  readonly judge: JudgeTags
  readonly clock: Clock
  readonly pace: TokenBucket
}

interface FoundTag extends TagFacts {
  readonly version: TagRecord['version']
}

/** The tags of one repository by the rules. Every method: @throws what the backend throws, ABORTED */
export interface RepositoryRetention {
  /** @throws RETENTION_TOO_MANY_TAGS */
  verdicts(repository: Repository, options: AbortOptions): Promise<readonly RetentionVerdict[]>
  /**
   * Deletes the tag as a client would, unless it was moved, deleted or pulled since it was judged. Returns whether it was
   * deleted.
   */
  remove(repository: Repository, verdict: RetentionVerdict, options: AbortOptions): Promise<boolean>
}

export function repositoryRetention(components: RepositoryRetentionComponents): RepositoryRetention {
  const { backend, tags, catalog, notes, judge, clock, pace } = components
  const judged = async (repository: Repository, found: readonly TagFacts[], options: AbortOptions) =>
    judge(repository, found, { nowMs: clock.now(), recordedSinceMs: await notes.recordedSinceMs(options) })

  const versionOf = async (repository: Repository, tag: Tag, options: AbortOptions) => {
    const found = await tags.read(repository, tag, options)
    return found?.target === undefined ? undefined : found.version
  }
  const found = async (repository: Repository, options: AbortOptions): Promise<readonly FoundTag[]> => {
    const all: FoundTag[] = []
    const prefix = tagPrefix(repository)
    for await (const keys of keyPages(backend, prefix, options)) {
      if (all.length + keys.length > MAX_TAGS) throw appError('RETENTION_TOO_MANY_TAGS')
      await pace.take(1 + keys.length, options)
      const names = keys.map((key) => key.slice(prefix.length) as Tag)
      const versions = await inTurns(names, AT_ONCE, (tag) => versionOf(repository, tag, options))
      for (const [i, tag] of names.entries()) {
        const version = versions[i]
        if (version !== undefined) all.push({ tag, version, changedAtMs: version.atMs })
      }
    }
    return all
  }

  return {
    async verdicts(repository, options) {
      const facts = await found(repository, options)
      // When a tag was pulled is read of those alone that it may keep.
      const first = await judged(repository, facts, options)
      const expired = facts.filter((_, i) => first[i]?.kept === false)
      await pace.take(expired.length, options)
      const pulled = await inTurns(expired, AT_ONCE, ({ tag }) => notes.pulledAtMs(repository, tag, options))
      const pulledAtMs = new Map(expired.map(({ tag }, i) => [tag, pulled[i]]))
      return judged(
        repository,
        facts.map(({ tag, changedAtMs }) => ({ tag, changedAtMs, pulledAtMs: pulledAtMs.get(tag) })),
        options,
      )
    },
    async remove(repository, { tag, changedAtMs, pulledAtMs }, options) {
      await pace.take(1, options)
      const version = await versionOf(repository, tag, options)
      if (version === undefined || version.atMs !== changedAtMs) return false
      if ((await notes.pulledAtMs(repository, tag, options)) !== pulledAtMs) return false
      if (!(await tags.delete(repository, tag, { ...options, version }))) return false
      await backend.delete(pullKey(repository, tag), options)
      await catalog.leaveIfEmpty(repository, options)
      return true
    },
  }
}
