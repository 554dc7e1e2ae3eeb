import { registryRoutes } from '../../lib/registry/index.ts'
import type { Runtime } from '../../lib/service/index.ts'
import { clientLimits } from './client-limits.ts'
import type { AgentConfig } from './config.ts'
import type { Links } from './links/index.ts'
import type { Pulls } from './pulls.ts'
import { type AgentStorageComponents, agentStorage } from './registry-storage.ts'
import { guard } from './rights/index.ts'
import { blobRoute } from './server.ts'

export interface ClientFrontParts {
  readonly pulling: Pulls
  readonly links: Links
  readonly index: AgentStorageComponents['index']
  readonly onSent: (bytes: number) => void
}

/** What clients read, and how much of it. All of that goes through the guard. */
export function clientFront(
  runtime: Runtime,
  config: AgentConfig,
  { pulling, links: proven, index, onSent }: ClientFrontParts,
) {
  const { registry, secrets } = config
  const guarded = guard(runtime, { upstreams: registry.upstreams, secrets })
  const storage = guarded.storage(agentStorage({ links: proven, pulls: pulling, index }))
  const { looks, rate } = clientLimits(runtime, config)
  const blobs = blobRoute({ pulls: guarded.closed.pulls(pulling), onSent, looks, rate })
  const upstreams = registry.upstreams.map((entry) => entry.registry)
  const traffic = { received: () => undefined, sent: onSent }
  const routes = [...registryRoutes(storage, { ...registry, upstreams, traffic, looks, rate }), blobs]
  return { guarded, storage, blobs, looks, routes }
}
