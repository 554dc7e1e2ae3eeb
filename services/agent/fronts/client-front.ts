import type { UrlCluster } from '../../../lib/api/index.ts'
import type { Route } from '../../../lib/http/index.ts'
import { registryRoutes } from '../../../lib/registry/index.ts'
import type { ListenerInit, Runtime, UpstreamEntry } from '../../../lib/service/index.ts'
import type { AgentConfig } from '../config.ts'
import { forwardProxy, urlBlobs, urlRoute } from '../forward/index.ts'
import type { Links } from '../links/index.ts'
import { type PullRules, ruledStorage } from '../pull-rules/index.ts'
import type { Pulls } from '../pulls.ts'
import { type AgentStorageComponents, agentStorage } from '../registry-storage.ts'
import { guard } from '../rights/index.ts'
import { blobRoute } from '../server.ts'
import { clientLimits } from './client-limits.ts'
import { readManner } from './read-manner.ts'
import { readers } from './readers.ts'
import { assertSettable } from './set-upstreams.ts'

export interface ClientFrontParts {
  readonly pulling: Pulls
  readonly links: Links
  /** What lies under URLs. */
  readonly urls: UrlCluster
  readonly index: AgentStorageComponents['index']
  readonly onSent: (bytes: number) => void
  /** Which pulls are refused, and how the others count. */
  readonly rules: PullRules
  /** Ports of this agent, whatever they are for. */
  readonly ownPorts: () => readonly number[]
}

/** What one listener serves in its own way. */
interface Own extends Pick<AgentConfig['registry'], 'default' | 'ownHosts' | 'mounts'> {
  readonly bind: { readonly host: string }
  /** Besides the registry. */
  readonly routes: readonly Route[]
}

/**
 * What clients read, and how much of it, at the usual listener and at the further ones. All of that goes through the same
 * guard and the same limits; the listeners differ only in what a request means that names no registry.
 */
export function clientFront(
  runtime: Runtime,
  config: AgentConfig,
  { pulling, links: proven, urls, index, onSent, rules, ownPorts }: ClientFrontParts,
) {
  const { registry, secrets } = config
  const guarded = guard(runtime, { upstreams: registry.upstreams, secrets })
  const storage = guarded.storage(agentStorage({ links: proven, pulls: pulling, index }))
  const ruled = ruledStorage(storage, rules)
  const { looks, rate } = clientLimits(runtime, config)
  let { fill } = registry
  const mannerOf = readManner({
    ...registry,
    get fill() {
      return fill
    },
  })
  const blobs = blobRoute({ pulls: guarded.closed.pulls(pulling), onSent, rules, looks, rate, mannerOf })
  const { serves } = guarded
  const common = { ...registry, serves, traffic: { received: () => undefined, sent: onSent }, looks, rate, mannerOf }
  const listener = ({ bind, routes, default: meant, ownHosts, mounts }: Own): ListenerInit => ({
    routes: [...registryRoutes(ruled, { ...common, default: meant, ownHosts, mounts }), ...routes],
    foreignLogIns: () => guarded.passThrough(),
    envelope: 'registry',
    anonymous: readers(runtime, config, bind.host),
  })
  const further = registry.listeners.map(
    (each) => [each.name, listener({ ...each, ownHosts: [], routes: [] })] as const,
  )
  const urlContents = urlBlobs({ urls, pulls: pulling, onSent, rules, mannerOf })
  const forward = forwardProxy({ ...runtime, rate, rules, ownPorts, blobs: urlContents, serves }, config)
  const byUrl = urlRoute({ blobs: urlContents, rate }, registry.forward.rules)
  const usual = listener({ ...registry, bind: registry.listener.bind, routes: [blobs, byUrl] })
  return {
    ...{ guarded, storage, blobs, looks },
    live: {
      setClientRequests: (perSecond: number | undefined) => rate.setRate(perSecond),
      setFill: (fills: boolean) => {
        fill = fills
      },
      setUpstreams: (entries: readonly UpstreamEntry[]) => {
        assertSettable(registry, entries)
        guarded.setUpstreams(entries)
      },
    },
    parts: [guarded, ...(forward === undefined ? [] : [forward])],
    usual: { ...usual, forward },
    further: Object.fromEntries(further),
  }
}
