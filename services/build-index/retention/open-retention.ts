import { type BuildIndex, garbageOrigins, type OriginCluster } from '../../../lib/api/index.ts'
import { type Startable, tokenBucket } from '../../../lib/base/index.ts'
import type { Cluster } from '../../../lib/cluster/index.ts'
import type { Repository, Tag } from '../../../lib/core/index.ts'
import type { HttpClient } from '../../../lib/http/index.ts'
import type { Runtime } from '../../../lib/service/index.ts'
import { catalog } from '../catalog.ts'
import { manifestReader } from '../garbage/open-collector.ts'
import { immutableTags } from '../immutable-tags.ts'
import type { KeptIndex } from '../open-index.ts'
import { matcher, type TagRule } from '../replication/rules.ts'
import type { RetentionConfig } from './config.ts'
import { judgeTags } from './judge-tags.ts'
import { pullNotes, withPullNotes } from './pull-notes.ts'
import { repositoryManifests } from './repository-manifests.ts'
import { type Retention, type RetentionComponents, retention } from './retention.ts'

/** After so long another build-index goes on with a look whose process is gone. */
const LEASE_MS = 15_000

export interface OpenRetentionComponents extends Runtime {
  /** Undefined where the index is a registry of others: nothing is deleted there. */
  readonly kept: KeptIndex | undefined
  readonly origins: Pick<OriginCluster, 'readBlob'>
  readonly originRing: Cluster
  readonly http: HttpClient
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
  const { kept, clock, metrics, isUpstream, origins, originRing, http } = components
  if (kept === undefined) return { parts: [], tags: undefined, watched: (index) => index }
  const notes = pullNotes({ ...components, ...kept })
  const outcomes = metrics.counter(
    { name: 'shoal_retention_tags_total', help: 'Tags that no rule of retention keeps, by what became of them.' },
    ['outcome'],
  )
  const untagged = metrics.counter(
    { name: 'shoal_retention_manifests_total', help: 'Manifests that nothing needs, by what became of them.' },
    ['outcome'],
  )
  const pace = tokenBucket(clock, { ratePerSecond: config.rate, burst: Math.max(config.rate, 1) })
  const parts = { ...components, ...kept, catalog: catalog(kept), pace }
  const reading = { readManifest: manifestReader(origins), stored: garbageOrigins({ http, cluster: originRing }) }
  const tags = retention(
    {
      ...parts,
      notes,
      manifests: repositoryManifests({ ...parts, ...reading }, config.untagged),
      onManifest: (outcome, count) => untagged.with({ outcome }).add(count),
      judge: judgeTags({ ...config, isImmutable: immutableTags(config.immutableTags) }),
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
