import { isDeepStrictEqual } from 'node:util'
import { type BuildIndex, garbageOrigins, type OriginCluster } from '../../../lib/api/index.ts'
import { fairBucket, type Startable } from '../../../lib/base/index.ts'
import type { Cluster } from '../../../lib/cluster/index.ts'
import type { Repository, Tag } from '../../../lib/core/index.ts'
import type { HttpClient } from '../../../lib/http/index.ts'
import type { Runtime } from '../../../lib/service/index.ts'
import { catalog } from '../catalog.ts'
import { manifestReader } from '../garbage/open-collector.ts'
import { immutableTags } from '../immutable-tags.ts'
import type { LookRules } from '../looks/leased-looks.ts'
import type { KeptIndex } from '../open-index.ts'
import { type Matcher, matcher, type TagRule } from '../replication/rules.ts'
import type { RetentionConfig } from './config.ts'
import { type JudgeTags, judgeTags } from './judge-tags.ts'
import { type PullNotesComponents, pullNotes, withPullNotes } from './pull-notes.ts'
import {
  type RepositoryManifests,
  type RepositoryManifestsComponents,
  repositoryManifests,
} from './repository-manifests.ts'
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
  /** From now on. */
  readonly obey: (config: RetentionConfig) => void
}

const lookRulesOf = ({ remove: mayRemove, interval: intervalMs }: RetentionConfig): LookRules => ({
  ...{ mayRemove, intervalMs },
})

/** What the rules want to know the last pull of. */
const askingIn = ({ rules }: RetentionConfig): readonly TagRule[] =>
  rules.filter(({ pulledWithin }) => pulledWithin !== undefined).map(({ repository, tag }) => ({ repository, tag }))

/** What says which tags and manifests stay; each call goes by the rules of that moment. */
function changingRules(
  components: RepositoryManifestsComponents,
  config: RetentionConfig & { readonly immutableTags: readonly TagRule[] },
) {
  const isImmutable = immutableTags(config.immutableTags)
  const rulesOf = (to: RetentionConfig) => ({
    judge: judgeTags({ ...to, isImmutable }),
    manifests: repositoryManifests(components, to.untagged),
  })
  let now = rulesOf(config)
  const judge: JudgeTags = (...asked) => now.judge(...asked)
  const manifests: RepositoryManifests = {
    judged: (...asked) => now.manifests.judged(...asked),
    note: (...noted) => now.manifests.note(...noted),
    remove: (...removed) => now.manifests.remove(...removed),
  }
  return {
    ...{ judge, manifests },
    obey: (to: RetentionConfig) => {
      now = rulesOf(to)
    },
  }
}

/** The pulls that rules ask for are noted; of others than before, from now on. */
function changingNotes(
  components: PullNotesComponents & Pick<OpenRetentionComponents, 'isUpstream'>,
  config: RetentionConfig,
) {
  const { isUpstream } = components
  let asking: readonly TagRule[] = askingIn(config)
  let matchers: readonly Matcher[] = asking.map(matcher)
  const notes = pullNotes(components, { isAny: asking.length > 0 })
  const isAsked = (repository: Repository, tag: Tag) =>
    matchers.some(({ fits }) => fits(repository, tag)) && isUpstream?.(repository.registry) !== true
  return {
    notes,
    note(repository: Repository, tag: Tag) {
      if (isAsked(repository, tag)) notes.note(repository, tag)
    },
    obey(to: RetentionConfig) {
      const before = asking
      asking = askingIn(to)
      matchers = asking.map(matcher)
      const isNew = asking.some((rule) => !before.some((other) => isDeepStrictEqual(rule, other)))
      if (isNew || asking.length === 0) notes.change({ isAny: asking.length > 0 })
    },
  }
}

/** What is counted of looks at the tags. */
function retentionMeters({ metrics }: Pick<Runtime, 'metrics'>) {
  const outcomes = metrics.counter(
    { name: 'shoal_retention_tags_total', help: 'Tags that no rule of retention keeps, by what became of them.' },
    ['outcome'],
  )
  const untagged = metrics.counter(
    { name: 'shoal_retention_manifests_total', help: 'Manifests that nothing needs, by what became of them.' },
    ['outcome'],
  )
  return {
    onRemoved: (outcome: string) => outcomes.with({ outcome }).add(),
    onManifest: (outcome: string, count: number) => untagged.with({ outcome }).add(count),
  }
}

export function openRetention(
  components: OpenRetentionComponents,
  config: RetentionConfig & { readonly immutableTags: readonly TagRule[] },
): OpenRetention {
  const { kept, clock, origins, originRing, http } = components
  if (kept === undefined) return { parts: [], tags: undefined, watched: (index) => index, obey: () => undefined }
  const rate = fairBucket(clock, { ratePerSecond: config.rate })
  const parts = { ...components, ...kept, catalog: catalog(kept), pace: rate.flow() }
  const reading = { readManifest: manifestReader(origins), stored: garbageOrigins({ http, cluster: originRing }) }
  const pulls = changingNotes(parts, config)
  const { obey: judgeBy, ...rules } = changingRules({ ...parts, ...reading }, config)
  const tags = retention(
    { ...parts, ...rules, notes: pulls.notes, ...retentionMeters(components) },
    { ...lookRulesOf(config), leaseMs: LEASE_MS },
  )
  let now: RetentionConfig = config
  return {
    parts: [pulls.notes, tags],
    tags,
    watched: (index) => withPullNotes(index, pulls),
    obey(to) {
      rate.setRate(to.rate)
      const isSame = isDeepStrictEqual({ ...now, rate: 0 }, { ...to, rate: 0 })
      now = to
      if (isSame) return
      pulls.obey(to)
      judgeBy(to)
      tags.obey(lookRulesOf(to))
    },
  }
}
