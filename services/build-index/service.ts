import type { BuildIndex } from '../../lib/api/index.ts'
import { type Backend, backendProbe, governor, openBackend, openRegistry } from '../../lib/backend/index.ts'
import type { AbortOptions, Startable } from '../../lib/base/index.ts'
import { krakenProbes } from '../../lib/kraken/index.ts'
import { type Runtime, serviceRuntime, serviceShell } from '../../lib/service/index.ts'
import { buildIndexAdminRoutes } from './admin.ts'
import type { BuildIndexConfig } from './config.ts'
import { krakenListRoutes } from './kraken/list-routes.ts'
import { krakenTagRoutes } from './kraken/tag-routes.ts'
import { registryIndex } from './registry-index.ts'
import { repositoryIndex } from './repository-index.ts'
import { buildIndexServerRoutes } from './server.ts'

/** Replacements for parts of the build-index, given by the herd and by tests. */
export interface BuildIndexComponents extends Partial<Runtime> {
  /** Replaces the backend that the config names. */
  readonly backend?: Backend
}

export interface BuildIndexService extends Startable {
  /** Base URL of the API; known after the start. */
  readonly url: string
  readonly opsUrl: string
  readonly adminUrl: string
}

interface OpenIndex {
  readonly index: BuildIndex
  readonly backend: Startable
  readonly probed: Pick<Backend, 'stat'>
}

/** With a registry as backend, the registry itself is the index; in any other backend the index is records of ours. */
function openIndex(runtime: Runtime, { backend: config }: BuildIndexConfig, given: Backend | undefined): OpenIndex {
  if (given === undefined && config.driver === 'registry') {
    const registry = openRegistry({ ...runtime, governor: governor(runtime, config.limits) }, config)
    const stat = async (_key: string, options?: AbortOptions) => {
      await registry.ping(options)
      return undefined
    }
    return { index: registryIndex(registry), backend: registry, probed: { stat } }
  }
  const backend = given ?? openBackend(runtime, config)
  return { index: repositoryIndex({ ...runtime, backend }), backend, probed: backend }
}

/** One build-index. It has no state of its own: any number may share a backend. @throws INSECURE_BIND */
export function buildIndexService(components: BuildIndexComponents, config: BuildIndexConfig): BuildIndexService {
  const runtime = serviceRuntime('buildIndex', config, components)
  const { index, backend, probed } = openIndex(runtime, config, components.backend)
  const probe = backendProbe(runtime, probed, { intervalMs: config.probeInterval })
  const shell = serviceShell(runtime, config, {
    kind: 'buildIndex',
    checks: { backend: probe.check },
    listeners: {
      http: { routes: buildIndexServerRoutes(index) },
      admin: { routes: buildIndexAdminRoutes() },
      kraken: {
        routes: [...krakenTagRoutes(index), ...krakenListRoutes(index)],
        probes: krakenProbes('build-index'),
        envelope: 'text',
      },
    },
  })
  return {
    ...shell.around([backend, probe, ...shell.listeners]),
    get url() {
      return shell.url('http')
    },
    get opsUrl() {
      return shell.url('ops')
    },
    get adminUrl() {
      return shell.url('admin')
    },
  }
}
