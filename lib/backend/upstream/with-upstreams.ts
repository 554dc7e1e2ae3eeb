import { byteCache, type Clock, lifecycle } from '../../base/index.ts'
import { repositoryText } from '../../core/index.ts'
import type { Metrics } from '../../telemetry/index.ts'
import type { Backend } from '../backend.ts'
import type { Backends } from '../backends.ts'
import { boundedBackend } from '../bounded-backend.ts'
import { countedBackend } from '../counted-backend.ts'
import { heldReads } from './held-reads.ts'
import { upstreamView } from './upstream-view.ts'
import type { Upstreams } from './upstreams.ts'

/** Repositories of upstreams whose views are kept; making one again costs no request. */
const MAX_VIEWS = 1000
/** Bytes of manifests that are kept from the question for their size to the read. */
const MANIFEST_BYTES = 16 * 1024 * 1024

export interface WithUpstreamsComponents {
  readonly clock: Clock
  readonly metrics: Metrics
}

/**
 * The backends of a cluster, and for the repositories of registries that a rule fits those registries themselves. No
 * readiness depends on an upstream.
 */
export function withUpstreams(
  { clock, metrics }: WithUpstreamsComponents,
  backends: Backends,
  upstreams: Upstreams,
): Backends {
  const held = heldReads(clock)
  const memory = { held, manifests: byteCache<Uint8Array>(MANIFEST_BYTES, (bytes) => bytes.length) }
  const views = byteCache<Backend>(MAX_VIEWS, () => 1)
  const closing = { start: () => Promise.resolve(), stop: async () => held.close() }
  return {
    ...lifecycle([backends, upstreams, closing]),
    ...(backends.probed !== undefined && { probed: backends.probed }),
    backendFor(repository) {
      const upstream = upstreams.at(repository.registry)
      if (upstream === undefined) return backends.backendFor(repository)
      const name = repositoryText(repository)
      const view = views.get(name) ?? upstreamView(name, upstream.repository(repository.name), memory)
      const known = views.get(name) ?? countedBackend(metrics, boundedBackend(view))
      views.set(name, known)
      return known
    },
  }
}
