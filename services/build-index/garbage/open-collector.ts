import { isDeepStrictEqual } from 'node:util'
import { garbageOrigins, type OriginCluster } from '../../../lib/api/index.ts'
import { appError, fairBucket } from '../../../lib/base/index.ts'
import type { Cluster } from '../../../lib/cluster/index.ts'
import { digestAlgorithm, digestOf } from '../../../lib/core/index.ts'
import type { HttpClient } from '../../../lib/http/index.ts'
import type { Runtime } from '../../../lib/service/index.ts'
import { catalog } from '../catalog.ts'
import type { KeptIndex } from '../open-index.ts'
import { manifestBytes } from '../replication/plan.ts'
import type { CleanLinksComponents } from './clean-links.ts'
import { type Collector, type CollectorInit, type CollectorRules, collector } from './collector.ts'
import type { GarbageConfig } from './config.ts'
import { garbageMetrics } from './garbage-metrics.ts'
import type { GarbageWorkComponents } from './garbage-work.ts'

/** After so long another build-index goes on with a look whose process is gone. */
const LEASE_MS = 15_000

export interface OpenCollectorComponents extends Runtime {
  /** Undefined where the index is a registry of others: that removes its garbage itself. */
  readonly kept: KeptIndex | undefined
  readonly origins: Pick<OriginCluster, 'readBlob'>
  readonly originRing: Cluster
  readonly http: HttpClient
  /** As in `GarbageWorkComponents`. */
  readonly isUpstream: GarbageWorkComponents['isUpstream']
}

export interface OpenCollector {
  readonly collector: Collector
  /** From now on. */
  obey(config: GarbageConfig): void
}

const rulesOf = ({ grace: graceMs, remove: mayRemove, interval: intervalMs }: GarbageConfig): CollectorRules => ({
  ...{ graceMs, mayRemove, intervalMs },
})

export function openCollector(
  components: OpenCollectorComponents,
  config: GarbageConfig & { readonly cluster: string; readonly times?: Partial<CollectorInit> | undefined },
): OpenCollector | undefined {
  const { kept, origins, http, originRing, clock } = components
  if (kept === undefined) return undefined
  const rate = fairBucket(clock, { ratePerSecond: config.rate })
  const life = collector(
    {
      ...components,
      ...kept,
      catalog: catalog(kept),
      stored: garbageOrigins({ http, cluster: originRing }),
      readManifest: manifestReader(origins),
      pace: rate.flow(),
      onCounted: garbageMetrics(components.metrics),
    },
    { ...rulesOf(config), leaseMs: LEASE_MS, cluster: config.cluster, ...config.times },
  )
  let now = rulesOf(config)
  return {
    collector: life,
    obey(changed) {
      rate.setRate(changed.rate)
      const rules = rulesOf(changed)
      if (isDeepStrictEqual(rules, now)) return
      now = rules
      life.obey(rules)
    },
  }
}

/** Reads manifests from origins. What they give is believed when its digest is right. */
export function manifestReader(origins: Pick<OriginCluster, 'readBlob'>): CleanLinksComponents['readManifest'] {
  return async (repository, digest, options) => {
    const bytes = await manifestBytes(origins, repository, { digest }, options)
    if (digestOf(bytes, digestAlgorithm(digest)) === digest) return bytes
    throw appError('BACKEND_CORRUPT', { detail: { digest } })
  }
}
