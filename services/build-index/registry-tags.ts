import type { TagIndex } from '../../lib/api/index.ts'
import { type AbortOptions, hasCode } from '../../lib/base/index.ts'
import type { Descriptor, Repository, Tag } from '../../lib/core/index.ts'
import type { TagRecords, VersionedTags } from './tag-records.ts'

export interface RegistryTagsComponents {
  /** The tags as the registry has them. */
  readonly registry: Pick<TagIndex, 'getTag' | 'putTag' | 'deleteTag'>
  /** Their versions, in a second backend. */
  readonly versions: TagRecords
}

/**
 * The tags of a registry, with versions that are kept beside it. The registry is right: a tag that was changed there
 * by others gets a version of this cluster when it is next read.
 */
export function registryTags({ registry, versions }: RegistryTagsComponents): VersionedTags {
  const set = async (repository: Repository, tag: Tag, target: Descriptor | undefined, { signal }: AbortOptions) => {
    if (target !== undefined) return registry.putTag(repository, tag, { descriptor: target, signal })
    await registry.deleteTag(repository, tag, { signal }).catch((err: unknown) => {
      if (!hasCode(err, 'MANIFEST_UNKNOWN', 'NAME_UNKNOWN')) throw err
    })
  }

  const read: VersionedTags['read'] = async (repository, tag, options = {}) => {
    const [descriptor, record] = await Promise.all([
      registry.getTag(repository, tag, options),
      versions.read(repository, tag, options),
    ])
    if (descriptor?.digest === record?.target?.digest) return record
    if (descriptor === undefined) await versions.delete(repository, tag, options)
    else await versions.put(repository, tag, descriptor, options)
    return versions.read(repository, tag, options)
  }

  return {
    read,
    async take(repository, tag, sent, options = {}) {
      await read(repository, tag, options)
      const done = { set: false }
      const first = async (within: AbortOptions) => {
        done.set = true
        await set(repository, tag, sent.target, within)
      }
      const answer = await versions.take(repository, tag, sent, { ...options, first })
      if (done.set && answer.outcome === 'older') {
        // Somebody else was faster with a later version: the registry has no conditions, so it is put right.
        await set(repository, tag, (await versions.read(repository, tag, options))?.target, options)
      }
      return answer
    },
  }
}
