import type { PageOptions, ReplicaOutcome, TagPage, TagVersion } from '../../lib/api/index.ts'
import { type AbortOptions, appError } from '../../lib/base/index.ts'
import type { Descriptor, Digest, Repository, Tag } from '../../lib/core/index.ts'
import { type AnnounceChange, announced, type TagChange } from './announced.ts'
import { assertMovable, type IsImmutable, isGrowing } from './immutable-tags.ts'
import { deletedPrefix, indexKey, tagPrefix } from './index-keys.ts'
import type { IndexRecords, IndexRecordsComponents } from './index-records.ts'
import { keyPages, MAX_PAGE, pageBehind } from './key-pages.ts'
import { compareRecords, compareVersions, nextVersion, parseTagRecord, type TagRecord, tagJson } from './tag-version.ts'

/** Tags of a repository read at the same time. */
const TAGS_AT_ONCE = 16
/** Marks of deleted tags that one deletion looks at, to forget those that are old enough. */
const MARKS_AT_ONCE = 8
/** A version of another cluster may be so far ahead of our clock; the next change here would be later still. */
const MAX_AHEAD_MS = 86_400_000

export interface TagRecordsComponents extends IndexRecordsComponents {
  readonly records: IndexRecords
  /** Name of this cluster. */
  readonly cluster: string
  /** How long a deleted tag is remembered, in milliseconds. */
  readonly rememberMs: number
  readonly announce?: AnnounceChange | undefined
  /** Tags that are not moved to other bytes, also when another cluster has moved them. Default: none. */
  readonly isImmutable?: IsImmutable | undefined
}

export interface ChangeOptions extends AbortOptions {
  /** Done when the change is announced, before the record is written: where the tag itself lies elsewhere. */
  readonly first?: (options: AbortOptions) => Promise<void>
}

/** Which tag is meant: without both, whatever it is. */
export interface DoomedTag {
  /** What it points to. */
  readonly digest?: Digest | undefined
  /** What its version is. */
  readonly version?: TagVersion | undefined
}

/** Tags of which it is known when they were changed, and in which cluster. */
export interface VersionedTags {
  /** Undefined when there is none and none was deleted lately. */
  read(repository: Repository, tag: Tag, options?: AbortOptions): Promise<TagRecord | undefined>
  /** Takes over a tag of another cluster, or its deletion, unless the own one is later. @throws TAG_IMMUTABLE */
  take(repository: Repository, tag: Tag, sent: TagRecord, options?: ChangeOptions): Promise<ReplicaOutcome>
}

/**
 * Tags with their versions, in the backend. Every change has a later version than the one before it, in whatever
 * cluster that was made. Every method: @throws BACKEND_UNAVAILABLE, BACKEND_CORRUPT, ABORTED
 */
export interface TagRecords extends VersionedTags {
  /** The tags that are not deleted. */
  list(repository: Repository, options: PageOptions): Promise<TagPage>
  /** Sets the tag, under a version of this cluster; writes nothing when it points there already. @throws TAG_IMMUTABLE */
  put(repository: Repository, tag: Tag, descriptor: Descriptor, options?: ChangeOptions): Promise<void>
  /** Deletes the tag if it is still the one that is meant. Returns whether it was deleted. */
  delete(repository: Repository, tag: Tag, options?: ChangeOptions & DoomedTag): Promise<boolean>
  /** Deletes the tags that point to the digest. */
  deleteAll(repository: Repository, digest: Digest, options?: AbortOptions): Promise<void>
  /** The tags that point to the digest, some at a time. */
  tagsTo(repository: Repository, digest: Digest, options?: AbortOptions): AsyncIterable<readonly Tag[]>
}

export function tagRecords(components: TagRecordsComponents): TagRecords {
  return new Records(components)
}

class Records implements TagRecords {
  readonly #parts: TagRecordsComponents

  constructor(components: TagRecordsComponents) {
    this.#parts = components
  }

  async read(repository: Repository, tag: Tag, options: AbortOptions = {}) {
    return (await this.#parts.records.read(indexKey(repository, { kind: 'tag', tag }), parseTagRecord, options))?.value
  }

  async list(repository: Repository, { n: asked = MAX_PAGE, last, signal }: PageOptions): Promise<TagPage> {
    const n = Math.min(asked, MAX_PAGE)
    if (n === 0) return { tags: [] }
    const tags: Tag[] = []
    // Behind many deleted tags the next ones are looked for in large steps.
    for (let [after, step] = [last, n]; ; step = MAX_PAGE) {
      const page = await pageBehind(this.#parts.backend, tagPrefix(repository), { n: step, last: after, signal })
      const gone = await this.#deletedAmong(repository, page.names as Tag[], { signal })
      const live = (page.names as Tag[]).filter((tag) => !gone.has(tag))
      const isMore = page.next !== undefined || live.length > n - tags.length
      tags.push(...live.slice(0, n - tags.length))
      const end = tags.at(-1)
      if (tags.length === n && isMore && end !== undefined) return { tags, next: end }
      if (page.next === undefined) return { tags }
      after = page.next
    }
  }

  async put(repository: Repository, tag: Tag, descriptor: Descriptor, { first, signal }: ChangeOptions = {}) {
    const decide = (found: TagRecord | undefined) => {
      this.#assertMovable(repository, tag, found, descriptor)
      // A signature is deleted with what it signs, under the version that was judged: who sets it again makes a new one.
      return found?.target !== undefined && isSame(found.target, descriptor) && !isGrowing(tag)
        ? undefined
        : { target: descriptor, version: this.#next(found) }
    }
    // Nothing is announced that is refused.
    if (this.#parts.isImmutable?.(repository, tag) === true) decide(await this.read(repository, tag, { signal }))
    await this.#announced({ repository, tag }, signal, async (options) => {
      await first?.(options)
      await this.#change(repository, tag, options, decide)
    })
  }

  async delete(
    repository: Repository,
    tag: Tag,
    { digest, version, first, signal }: ChangeOptions & DoomedTag = {},
  ): Promise<boolean> {
    const isDoomed = (found: TagRecord | undefined): found is TagRecord =>
      found?.target !== undefined &&
      (digest === undefined || found.target.digest === digest) &&
      (version === undefined || compareVersions(found.version, version) === 0)
    if (!isDoomed(await this.read(repository, tag, { signal }))) return false
    let deleted = false
    await this.#announced({ repository, tag }, signal, async (options) => {
      await first?.(options)
      await this.#mark(repository, tag, options)
      await this.#change(repository, tag, options, (found) => {
        deleted = isDoomed(found)
        return deleted ? { target: undefined, version: this.#next(found) } : undefined
      })
    })
    await this.#forget(repository, { signal })
    return deleted
  }

  async deleteAll(repository: Repository, digest: Digest, options: AbortOptions = {}): Promise<void> {
    for await (const tags of this.tagsTo(repository, digest, options)) {
      await eachOf(tags, async (tag) => {
        await this.delete(repository, tag, { ...options, digest })
      })
    }
  }

  async *tagsTo(repository: Repository, digest: Digest, options: AbortOptions = {}) {
    const prefix = tagPrefix(repository)
    for await (const keys of keyPages(this.#parts.backend, prefix, options)) {
      const found: Tag[] = []
      await eachOf(keys, async (key) => {
        const tag = key.slice(prefix.length) as Tag
        if ((await this.read(repository, tag, options))?.target?.digest === digest) found.push(tag)
      })
      yield found
    }
  }

  async take(repository: Repository, tag: Tag, sent: TagRecord, { first, signal }: ChangeOptions = {}) {
    if (sent.version.atMs > this.#parts.clock.now() + MAX_AHEAD_MS) {
      throw appError('BODY_INVALID', {
        message: 'the version is of a time to come; compare the clocks of both clusters',
      })
    }
    let answer: ReplicaOutcome = { outcome: 'taken', version: sent.version }
    const decide = (found: TagRecord | undefined) => {
      const order = found === undefined ? 1 : compareRecords(sent, found)
      answer = { outcome: outcomeOf(order), version: order < 0 && found !== undefined ? found.version : sent.version }
      if (order > 0) this.#assertMovable(repository, tag, found, sent.target)
      return order > 0 ? sent : undefined
    }
    if (decide(await this.read(repository, tag, { signal })) === undefined) return answer
    await this.#announced({ repository, tag }, signal, async (options) => {
      await first?.(options)
      if (sent.target === undefined) await this.#mark(repository, tag, options)
      await this.#change(repository, tag, options, decide)
    })
    return answer
  }

  #assertMovable(repository: Repository, tag: Tag, found: TagRecord | undefined, wanted: Descriptor | undefined): void {
    if (this.#parts.isImmutable?.(repository, tag) === true) assertMovable(tag, found?.target, wanted)
  }

  #next(found: TagRecord | undefined) {
    return nextVersion(found?.version, this.#parts.clock.now(), this.#parts.cluster)
  }

  #announced(
    change: TagChange,
    signal: AbortSignal | undefined,
    work: (options: AbortOptions) => Promise<void>,
  ): Promise<void> {
    return announced(this.#parts, change, work, { signal })
  }

  #change(
    repository: Repository,
    tag: Tag,
    options: AbortOptions,
    decide: (found: TagRecord | undefined) => TagRecord | undefined,
  ): Promise<void> {
    const toJson = (found: TagRecord | undefined) => {
      const record = decide(found)
      return record && tagJson(record)
    }
    return this.#parts.records.change(
      indexKey(repository, { kind: 'tag', tag }),
      { parse: parseTagRecord, decide: toJson },
      options,
    )
  }

  /** Marks come before the deletion, and each is another object, so that `#forget` removes none that is needed. */
  async #mark(repository: Repository, tag: Tag, options: AbortOptions): Promise<void> {
    const { backend, clock, random } = this.#parts
    const mark = { atMs: clock.now(), nonce: Buffer.from(random.bytes(6)).toString('hex') }
    const bytes = Buffer.from(JSON.stringify(mark))
    await backend.write(indexKey(repository, { kind: 'deleted', tag }), bytes, { ...options, size: bytes.length })
  }

  /** Those of the tags, which are in order, that are deleted. */
  async #deletedAmong(repository: Repository, tags: readonly Tag[], options: AbortOptions): Promise<ReadonlySet<Tag>> {
    const [first, last] = [tags[0], tags.at(-1)]
    const gone = new Set<Tag>()
    if (first === undefined || last === undefined) return gone
    const prefix = deletedPrefix(repository)
    const listed = new Set<string>(tags)
    const start = { ...options, after: prefix + first.slice(0, -1) }
    for await (const keys of keyPages(this.#parts.backend, prefix, start)) {
      const marked = keys.map((key) => key.slice(prefix.length)).filter((tag) => listed.has(tag)) as Tag[]
      await eachOf(marked, async (tag) => {
        if ((await this.read(repository, tag, options))?.target === undefined) gone.add(tag)
      })
      if ((keys.at(-1) ?? '') > prefix + last) break
    }
    return gone
  }

  /** Looks at some marks of the repository, and removes those that are old, with their tags if these are still deleted. */
  async #forget(repository: Repository, options: AbortOptions): Promise<void> {
    const { backend, records, clock, random, rememberMs } = this.#parts
    const prefix = deletedPrefix(repository)
    const { keys } = await backend.list(prefix, { ...options, limit: MAX_PAGE })
    const from = Math.floor(random.next() * keys.length)
    const before = clock.now() - rememberMs
    for (const key of keys.slice(from, from + MARKS_AT_ONCE)) {
      const mark = await records.read(key, markedAtMs, options)
      if (mark === undefined || mark.value > before) continue
      const tag = indexKey(repository, { kind: 'tag', tag: key.slice(prefix.length) as Tag })
      const isOver = ({ target, version }: TagRecord) => target === undefined && version.atMs <= before
      await records.removeIf(tag, { parse: parseTagRecord, test: isOver }, options)
      const found = await records.read(tag, parseTagRecord, options)
      if (found === undefined || found.value.target !== undefined) {
        await records.removeIf(key, { parse: markedAtMs, test: (atMs) => atMs <= before }, options)
      }
    }
  }
}

const markedAtMs = (value: unknown) => Number((value as { readonly atMs?: unknown }).atMs)

function outcomeOf(order: number): ReplicaOutcome['outcome'] {
  if (order === 0) return 'same'
  return order > 0 ? 'taken' : 'older'
}

const isSame = (one: Descriptor, other: Descriptor) =>
  one.digest === other.digest && one.mediaType === other.mediaType && one.size === other.size

async function eachOf<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const waiting = [...items]
  const run = async () => {
    for (let item = waiting.pop(); item !== undefined; item = waiting.pop()) await work(item)
  }
  await Promise.all(Array.from({ length: TAGS_AT_ONCE }, run))
}

/** The error of a tag that is not there. */
export const unknownTag = (tag: Tag) =>
  appError('MANIFEST_UNKNOWN', { message: 'there is no such tag', detail: { tag } })
