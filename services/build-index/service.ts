import { type Backend, backendProbe, openBackend } from '../../lib/backend/index.ts'
import { lifecycle, type Startable } from '../../lib/base/index.ts'
import { opsListener, type Runtime, serviceListener, serviceRuntime, serviceState } from '../../lib/service/index.ts'
import type { BuildIndexConfig } from './config.ts'
import { repositoryIndex } from './repository-index.ts'
import { buildIndexServerRoutes } from './server.ts'

/** What stands in for the real thing: in a herd, in tests. */
export interface BuildIndexComponents extends Partial<Runtime> {
  /** Instead of the one that the config names. */
  readonly backend?: Backend
}

export interface BuildIndexService extends Startable {
  /** Base URL of the API, once started. */
  readonly url: string
  readonly opsUrl: string
}

/** One build-index. It holds no state of its own: any number may serve one backend. @throws INSECURE_BIND */
export function buildIndexService(components: BuildIndexComponents, config: BuildIndexConfig): BuildIndexService {
  const runtime = serviceRuntime('build-index', config, components)
  const backend = components.backend ?? openBackend(runtime, config.backend)
  const probe = backendProbe(runtime, backend, { intervalMs: config.probeInterval })
  const state = serviceState()
  const ops = opsListener(runtime, config, {
    listener: config.ops,
    checks: { service: state.check, backend: probe.check },
  })
  const routes = buildIndexServerRoutes(repositoryIndex({ ...runtime, backend }))
  const http = serviceListener(runtime, config, { name: 'http', listener: config.http, routes })
  return {
    ...state.around(lifecycle([backend, probe, ops, http])),
    get url() {
      return http.url
    },
    get opsUrl() {
      return ops.url
    },
  }
}
