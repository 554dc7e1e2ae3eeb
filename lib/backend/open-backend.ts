import { resolve } from 'node:path'
import { appError, byteCache, type Clock, lifecycle, type Random } from '../base/index.ts'
import type { Logger, Metrics } from '../telemetry/index.ts'
import type { Backend } from './backend.ts'
import type { Backends } from './backends.ts'
import type { BackendConfig, BackendRules } from './config.ts'
import { countedBackend } from './counted-backend.ts'
import { fileBackend } from './file/file-backend.ts'
import { globOf } from './glob.ts'
import { governor } from './governor.ts'
import { httpBackend } from './http/http-backend.ts'
import { lazyBackend } from './lazy-backend.ts'
import { defaultStoreLimits } from './limits-config.ts'
import { pacedBackend } from './paced-backend.ts'
import { prefixedBackend } from './prefixed-backend.ts'
import { registryBackend } from './registry/registry-backend.ts'
import { shadowStores } from './shadow/shadow-stores.ts'
import { tosBackend } from './tos/tos-backend.ts'

export interface OpenBackendComponents {
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly metrics: Metrics
}

type Driver = BackendConfig['driver']
type ConfigOf = { readonly [D in Driver]: Extract<BackendConfig, { driver: D }> }
type Drivers = {
  readonly [D in Driver]: (components: OpenBackendComponents, config: ConfigOf[D]) => Backend | Backends
}

const drivers: Drivers = {
  file: (components, { folder, limits }) =>
    pacedBackend(
      governor(components, { ...defaultStoreLimits, ...limits }),
      fileBackend(components, { folder: resolve(folder) }),
    ),
  tos: (components, config) => tosBackend({ ...components, governor: governor(components, config.limits) }, config),
  s3: (components, { limits, ...config }) =>
    lazyBackend(async () => {
      const { s3Backend } = await import('./s3/s3-backend.ts')
      return s3Backend({ ...components, governor: governor(components, limits) }, config)
    }),
  registry: (components, { limits, ...config }) =>
    registryBackend({ ...components, governor: governor(components, limits) }, config),
  http: (components, { limits, ...config }) =>
    httpBackend({ ...components, governor: governor(components, limits) }, config),
  shadow: (components, { primary, secondary, ...config }) =>
    shadowStores(
      {
        ...components,
        primary: openDriver(components, primary.driver, primary),
        secondary: openDriver(components, secondary.driver, secondary),
      },
      config,
    ),
}

function openDriver<D extends Driver>(components: OpenBackendComponents, driver: D, config: ConfigOf[D]) {
  return drivers[driver](components, config)
}

/**
 * The store that `config` names, not yet started; its requests are counted.
 * @throws CONFIG_INVALID for a store that holds contents of repositories and no keys of other kinds
 */
export function openBackend(components: OpenBackendComponents, config: BackendConfig): Backend {
  const store = openDriver(components, config.driver, config)
  if (!('backendFor' in store)) return countedBackend(components.metrics, store)
  throw appError('CONFIG_INVALID', { message: `a store of the driver ${config.driver} holds blobs only` })
}

/** Repositories whose part of a store is kept at hand; making it anew costs no request. */
const MAX_VIEWS = 1000

/** What a store holds for each repository: with most drivers the same for all. */
function openViews(components: OpenBackendComponents, config: BackendConfig, path: string): Backends {
  const store = openDriver(components, config.driver, config)
  const view = (backend: Backend) => prefixedBackend(countedBackend(components.metrics, backend), path)
  if (!('backendFor' in store)) {
    const common = view(store)
    return { ...lifecycle([store]), backendFor: () => common }
  }
  const views = byteCache<Backend>(MAX_VIEWS, () => 1)
  return {
    ...lifecycle([store]),
    backendFor(namespace) {
      const known = views.get(namespace) ?? view(store.backendFor(namespace))
      views.set(namespace, known)
      return known
    },
  }
}

/** Opens one store for each rule. */
export function openBackends(components: OpenBackendComponents, rules: BackendRules): Backends {
  const choices = rules.map(({ namespace, path, backend }) => ({
    fits: globOf(namespace),
    store: openViews(components, backend, path),
  }))
  return {
    ...lifecycle(choices.map(({ store }) => store)),
    backendFor(namespace) {
      const choice = choices.find(({ fits }) => fits.test(namespace))
      if (choice !== undefined) return choice.store.backendFor(namespace)
      throw appError('CONFIG_INVALID', {
        message: 'no backend rule fits the repository; end the list with one for namespace "*"',
        detail: { namespace },
      })
    },
  }
}
