import type { BuildIndex } from '../../lib/api/index.ts'
import { appError } from '../../lib/base/index.ts'
import type { Descriptor, Digest, Repository, Tag } from '../../lib/core/index.ts'
import { matcher, type TagRule } from './replication/rules.ts'

/** Lists of what refers to a manifest, and its signatures: they grow under one name, and name what they are about. */
const GROWING = /^sha(?:256|512)-[0-9a-f]{64}(?:\.sig|\.att|\.sbom)?$/

/** Whether it is such a name. */
export const isGrowing = (tag: Tag): boolean => GROWING.test(tag)

/** Whether the tag may not be moved to other bytes. */
export type IsImmutable = (repository: Repository, tag: Tag) => boolean

export function immutableTags(rules: readonly TagRule[]): IsImmutable {
  const matchers = rules.map(matcher)
  return (repository, tag) => !isGrowing(tag) && matchers.some(({ fits }) => fits(repository, tag))
}

/** @throws TAG_IMMUTABLE when the tag points to other bytes than it is to point to; a deletion is no move */
export function assertMovable(tag: Tag, now: Descriptor | undefined, wanted: Descriptor | undefined): void {
  if (now === undefined || wanted === undefined || now.digest === wanted.digest) return
  throw tagImmutable(tag, now.digest)
}

const tagImmutable = (tag: Tag, digest: Digest) => appError('TAG_IMMUTABLE', { detail: { tag, digest } })

/**
 * The same index, for tags that lie in a registry of others: a tag is looked at before it is moved. The registry has no
 * conditions, so of two who set a new tag at the same time the later one wins.
 */
export function withImmutableTags<I extends BuildIndex>(index: I, isImmutable: IsImmutable): I {
  return {
    ...index,
    async putTag(repository, tag, target) {
      if (isImmutable(repository, tag))
        assertMovable(tag, await index.getTag(repository, tag, target), target.descriptor)
      await index.putTag(repository, tag, target)
    },
  }
}
