import type { ReplicaOutcome, TagIndex } from '../../lib/api/index.ts'
import type { Backend } from '../../lib/backend/index.ts'
import { type AbortOptions, type Clock, hasCode, type Random } from '../../lib/base/index.ts'
import type { Descriptor, Digest, Repository, Tag } from '../../lib/core/index.ts'
import type { TagChange } from './announced.ts'
import type { IndexRecords } from './index-records.ts'
import type { ChangeOptions, TagRecords, VersionedTags } from './tag-records.ts'
import { type Intent, tagTurns } from './tag-turns.ts'
import type { TagRecord } from './tag-version.ts'

export interface RegistryTagsComponents {
  /** The tags as the registry has them. */
  readonly registry: Pick<TagIndex, 'getTag' | 'putTag' | 'deleteTag'>
  /** Their versions, in a second backend. */
  readonly versions: TagRecords
  /** That backend. */
  readonly backend: Backend
  readonly records: IndexRecords
  readonly clock: Clock
  readonly random: Random
}

/**
 * The tags of a registry, with versions that are kept beside it. What the registry has is right: a tag that was set there
 * by others gets a version of this cluster when it is next read. What it does not have is no deletion: only who deletes
 * here deletes elsewhere. Changes of one tag are made in turns, each said beforehand, so that none is taken for another
 * one, or lost when its process ends in the middle. Every method: @throws UNAVAILABLE as `TagTurns` does
 */
export interface RegistryTags extends VersionedTags {
  put(repository: Repository, tag: Tag, descriptor: Descriptor, options?: AbortOptions): Promise<void>
  /** Deletes the tag if its version points to `digest`, or to anything; `first` removes it from the registry. */
  delete(
    repository: Repository,
    tag: Tag,
    options?: ChangeOptions & { readonly digest?: Digest | undefined },
  ): Promise<boolean>
  /** Deletes the tags that point to the digest; `first` removes them from the registry. Returns whether there were any. */
  deleteAll(repository: Repository, digest: Digest, options: ChangeOptions): Promise<boolean>
}

export function registryTags(components: RegistryTagsComponents): RegistryTags {
  const { registry, versions } = components
  const both = bothPlaces(components)
  const turns = tagTurns({ ...components, settle: settler(components) })
  const adopt = async (change: TagChange, options: AbortOptions) => {
    const { descriptor, record, agree } = await both(change, options)
    if (agree) return record
    if (descriptor === undefined) return undefined
    await versions.put(change.repository, change.tag, descriptor, options)
    return versions.read(change.repository, change.tag, options)
  }
  const remove: RegistryTags['delete'] = (repository, tag, { digest, first, signal } = {}) => {
    const change = { repository, tag }
    return turns.run(
      change,
      { target: undefined },
      async (within) => {
        const was = { there: false }
        const fromRegistry = async (options: AbortOptions) => {
          if (first === undefined) was.there = await removeTag(registry, change, options)
          else await first(options)
        }
        if (await versions.delete(repository, tag, { ...within, digest, first: fromRegistry })) return true
        if (digest === undefined && !was.there) await fromRegistry(within)
        return was.there
      },
      { signal },
    )
  }

  return {
    async read(repository, tag, options = {}) {
      const change = { repository, tag }
      const { descriptor, record, agree } = await both(change, options)
      if (agree) return record
      if (descriptor === undefined && !(await turns.isTaken(change, options))) return undefined
      return turns.run(change, undefined, (within) => adopt(change, within), options)
    },
    take(repository, tag, sent, options = {}) {
      const change = { repository, tag }
      const work = async (within: AbortOptions) => {
        await adopt(change, within)
        return takeNow(components, change, sent, within)
      }
      return turns.run(change, sent, work, options)
    },
    async put(repository, tag, descriptor, options = {}) {
      const first = ({ signal }: AbortOptions) => registry.putTag(repository, tag, { descriptor, signal })
      const work = (within: AbortOptions) => versions.put(repository, tag, descriptor, { ...within, first })
      await turns.run({ repository, tag }, { target: descriptor }, work, options)
    },
    delete: remove,
    async deleteAll(repository, digest, options) {
      let any = false
      for await (const tags of versions.tagsTo(repository, digest, options)) {
        for (const tag of tags) any = (await remove(repository, tag, { ...options, digest })) || any
      }
      return any
    },
  }
}

const bothPlaces =
  ({ registry, versions }: RegistryTagsComponents) =>
  async ({ repository, tag }: TagChange, options: AbortOptions) => {
    const [descriptor, record] = await Promise.all([
      registry.getTag(repository, tag, options),
      versions.read(repository, tag, options),
    ])
    return { descriptor, record, agree: descriptor?.digest === record?.target?.digest }
  }

/** The change was made in the registry if the tag is there what it was to become: then its version is written. */
function settler(components: RegistryTagsComponents) {
  const { versions } = components
  return async (change: TagChange, { target, version }: Intent, options: AbortOptions): Promise<void> => {
    const { repository, tag } = change
    const { descriptor, agree } = await bothPlaces(components)(change, options)
    if (agree || descriptor?.digest !== target?.digest) return
    if (version !== undefined) await takeNow(components, change, { target, version }, options)
    else if (target === undefined) await versions.delete(repository, tag, options)
    else await versions.put(repository, tag, target, options)
  }
}

/** Takes over a tag of another cluster, within a turn. */
async function takeNow(
  components: RegistryTagsComponents,
  change: TagChange,
  sent: TagRecord,
  options: AbortOptions,
): Promise<ReplicaOutcome> {
  const { registry, versions } = components
  const { repository, tag } = change
  const set = async (target: Descriptor | undefined, { signal }: AbortOptions) => {
    if (target !== undefined) await registry.putTag(repository, tag, { descriptor: target, signal })
    else await removeTag(registry, change, { signal })
  }
  const done = { set: false }
  const first = async (within: AbortOptions) => {
    done.set = true
    await set(sent.target, within)
  }
  const answer = await versions.take(repository, tag, sent, { ...options, first })
  if (done.set && answer.outcome === 'older') {
    // A turn that was given up wrote a later version: the registry has no conditions, so it is put right.
    await set((await versions.read(repository, tag, options))?.target, options)
  } else if (!done.set && answer.outcome === 'same' && sent.target !== undefined) {
    // The version is known, but the registry has lost the tag.
    if ((await registry.getTag(repository, tag, options)) === undefined) await set(sent.target, options)
  }
  return answer
}

/** Returns whether the registry had the tag. */
async function removeTag(
  registry: RegistryTagsComponents['registry'],
  { repository, tag }: TagChange,
  { signal }: AbortOptions,
): Promise<boolean> {
  try {
    await registry.deleteTag(repository, tag, { signal })
    return true
  } catch (err) {
    if (!hasCode(err, 'MANIFEST_UNKNOWN', 'NAME_UNKNOWN')) throw err
    return false
  }
}
