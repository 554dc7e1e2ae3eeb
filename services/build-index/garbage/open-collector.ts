import { garbageOrigins, type OriginCluster } from '../../../lib/api/index.ts'
import { appError, tokenBucket } from '../../../lib/base/index.ts'
import type { Cluster } from '../../../lib/cluster/index.ts'
import { digestAlgorithm, digestOf } from '../../../lib/core/index.ts'
import type { HttpClient } from '../../../lib/http/index.ts'
import type { Runtime } from '../../../lib/service/index.ts'
import { catalog } from '../catalog.ts'
import type { KeptIndex } from '../open-index.ts'
import { manifestBytes } from '../replication/plan.ts'
import type { CleanLinksComponents } from './clean-links.ts'
import { type Collector, type CollectorInit, collector } from './collector.ts'
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

export function openCollector(
  components: OpenCollectorComponents,
  config: GarbageConfig & { readonly cluster: string; readonly times?: Partial<CollectorInit> | undefined },
): Collector | undefined {
  const { kept, origins, http, originRing, clock } = components
  if (kept === undefined) return undefined
  return collector(
    {
      ...components,
      ...kept,
      catalog: catalog(kept),
      stored: garbageOrigins({ http, cluster: originRing }),
      readManifest: manifestReader(origins),
      pace: tokenBucket(clock, { ratePerSecond: config.rate, burst: Math.max(config.rate, 1) }),
      onCounted: garbageMetrics(components.metrics),
    },
    {
      ...{ graceMs: config.grace, mayRemove: config.remove, intervalMs: config.interval },
      ...{ leaseMs: LEASE_MS, cluster: config.cluster },
      ...config.times,
    },
  )
}

/** Reads manifests from origins. What they give is believed when its digest is right. */
export function manifestReader(origins: Pick<OriginCluster, 'readBlob'>): CleanLinksComponents['readManifest'] {
  return async (repository, digest, options) => {
    const bytes = await manifestBytes(origins, repository, { digest }, options)
    if (digestOf(bytes, digestAlgorithm(digest)) === digest) return bytes
    throw appError('BACKEND_CORRUPT', { detail: { digest } })
  }
}
