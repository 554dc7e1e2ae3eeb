import type { BuildIndex } from '../../../lib/api/index.ts'
import { type Startable, tokenBucket } from '../../../lib/base/index.ts'
import type { Repository, Tag } from '../../../lib/core/index.ts'
import type { Runtime } from '../../../lib/service/index.ts'
import { catalog } from '../catalog.ts'
import { immutableTags } from '../immutable-tags.ts'
import type { KeptIndex } from '../open-index.ts'
import { matcher, type TagRule } from '../replication/rules.ts'
import type { RetentionConfig } from './config.ts'
import { judgeTags } from './judge-tags.ts'
import { pullNotes, withPullNotes } from './pull-notes.ts'
import { type Retention, type RetentionComponents, retention } from './retention.ts'

/** After so long another build-index goes on with a look whose process is gone. */
const LEASE_MS = 15_000

export interface OpenRetentionComponents extends Runtime {
  /** Undefined where the index is a registry of others: nothing is deleted there. */
  readonly kept: KeptIndex | undefined
  /** As in `RetentionComponents`. */
  readonly isUpstream: RetentionComponents['isUpstream']
}

export interface OpenRetention {
  /** In the order in which they start. */
  readonly parts: readonly Startable[]
  readonly tags: Retention | undefined
  /** The index for those who pull: where a rule wants to know when a tag was pulled, it is written. */
  readonly watched: (index: BuildIndex) => BuildIndex
}

export function openRetention(
  components: OpenRetentionComponents,
  config: RetentionConfig & { readonly immutableTags: readonly TagRule[] },
): OpenRetention {
  const { kept, clock, metrics, isUpstream } = components
  if (kept === undefined) return { parts: [], tags: undefined, watched: (index) => index }
  const notes = pullNotes({ ...components, ...kept })
  const outcomes = metrics.counter(
    { name: 'shoal_retention_tags_total', help: 'Tags that no rule of retention keeps, by what became of them.' },
    ['outcome'],
  )
  const tags = retention(
    {
      ...components,
      ...kept,
      catalog: catalog(kept),
      notes,
      judge: judgeTags({ ...config, isImmutable: immutableTags(config.immutableTags) }),
      pace: tokenBucket(clock, { ratePerSecond: config.rate, burst: Math.max(config.rate, 1) }),
      onRemoved: (outcome) => outcomes.with({ outcome }).add(),
    },
    { mayRemove: config.remove, intervalMs: config.interval, leaseMs: LEASE_MS },
  )
  const asking = config.rules.filter(({ pulledWithin }) => pulledWithin !== undefined).map(matcher)
  if (asking.length === 0) return { parts: [tags], tags, watched: (index) => index }
  const isAsked = (repository: Repository, tag: Tag) =>
    isUpstream?.(repository.registry) !== true && asking.some(({ fits }) => fits(repository, tag))
  const note = (repository: Repository, tag: Tag) => {
    if (isAsked(repository, tag)) notes.note(repository, tag)
  }
  return { parts: [notes, tags], tags, watched: (index) => withPullNotes(index, { note }) }
}
