import { resolve } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { appError, byteCache, type Clock, lifecycle, type Random, type Startable } from '../base/index.ts'
import { parseRepository, repositoryText } from '../core/index.ts'
import type { Logger, Metrics } from '../telemetry/index.ts'
import type { Backend } from './backend.ts'
import type { Backends } from './backends.ts'
import type { BackendConfig, BackendRules } from './config.ts'
import { countedBackend } from './counted-backend.ts'
import { fileBackend } from './file/file-backend.ts'
import { governor } from './governor.ts'
import { httpBackend } from './http/http-backend.ts'
import { lazyBackend } from './lazy-backend.ts'
import { defaultBackendLimits } from './limits-config.ts'
import { pacedBackend } from './paced-backend.ts'
import { prefixedBackend } from './prefixed-backend.ts'
import { registryBackend } from './registry/registry-backend.ts'
import { type RepositoryGlob, repositoryGlob } from './repository-glob.ts'
import { openShadow } from './shadow/open-shadow.ts'
import { tosBackend } from './tos/tos-backend.ts'
import { unownedBackend } from './unowned-backend.ts'

export interface OpenBackendComponents {
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly metrics: Metrics
}

type Driver = BackendConfig['driver']
type ConfigOf = { readonly [D in Driver]: Extract<BackendConfig, { driver: D }> }
type AnyBackend = Backend | Backends
type BackendOf = (config: BackendConfig) => AnyBackend
type Drivers = {
  readonly [D in Driver]: (components: OpenBackendComponents, config: ConfigOf[D], backendOf: BackendOf) => AnyBackend
}

const drivers: Drivers = {
  file: (components, { folder, limits }) =>
    pacedBackend(
      governor(components, { ...defaultBackendLimits, ...limits }),
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
  shadow: (components, { primary, secondary, ...config }, backendOf) =>
    openShadow(
      { ...components, primary: unownedBackend(backendOf(primary)), secondary: unownedBackend(backendOf(secondary)) },
      config,
    ),
}

function openDriver<D extends Driver>(
  components: OpenBackendComponents,
  driver: D,
  config: ConfigOf[D],
  backendOf: BackendOf,
): AnyBackend {
  return drivers[driver](components, config, backendOf)
}

/** Opens each backend only once, so that all rules with the same backend share its connections and limits. */
function openedOnce(components: OpenBackendComponents): Startable & { readonly backendOf: BackendOf } {
  const kept: { readonly config: BackendConfig; readonly opened: AnyBackend }[] = []
  const started: AnyBackend[] = []
  const backendOf: BackendOf = (config) => {
    const known = kept.find((one) => isDeepStrictEqual(one.config, config))
    if (known !== undefined) return known.opened
    const opened = openDriver(components, config.driver, config, backendOf)
    kept.push({ config, opened })
    started.push(opened)
    return opened
  }
  return { ...lifecycle(started), backendOf }
}

/**
 * The backend of `config`, not yet started; its requests are counted.
 * @throws CONFIG_INVALID for a backend that holds only contents of repositories and no other keys
 */
export function openBackend(components: OpenBackendComponents, config: BackendConfig): Backend {
  const { backendOf, ...running } = openedOnce(components)
  const opened = backendOf(config)
  if (!('backendFor' in opened)) return { ...countedBackend(components.metrics, opened), ...running }
  throw appError('CONFIG_INVALID', { message: `a backend of the driver ${config.driver} holds only blobs` })
}

/** Number of per-repository views that are kept; making one again costs no request. */
const MAX_VIEWS = 1000

/** The repository whose part of a backend is probed; it need not exist. */
const PROBED_REPOSITORY = parseRepository('probe')

type BackendFor = Backends['backendFor']

/** The part of a backend for each repository; with most drivers it is the same for all. */
function viewsOf({ metrics }: OpenBackendComponents, opened: AnyBackend, path: string): BackendFor {
  const view = (backend: Backend) => prefixedBackend(countedBackend(metrics, backend), path)
  if (!('backendFor' in opened)) {
    const common = view(opened)
    return () => common
  }
  const views = byteCache<Backend>(MAX_VIEWS, () => 1)
  return (repository) => {
    const key = repositoryText(repository)
    const known = views.get(key) ?? view(opened.backendFor(repository))
    views.set(key, known)
    return known
  }
}

/** Opens the backends of all rules; rules with the same backend and path share one `Backend`. */
export function openBackends(components: OpenBackendComponents, rules: BackendRules): Backends {
  const { backendOf, ...running } = openedOnce(components)
  const choices: (BackendRules[number] & { readonly glob: RepositoryGlob; readonly viewOf: BackendFor })[] = []
  for (const rule of rules) {
    const { repository, path, backend } = rule
    const same = choices.find((one) => one.path === path && isDeepStrictEqual(one.backend, backend))
    const viewOf = same?.viewOf ?? viewsOf(components, backendOf(backend), path)
    choices.push({ ...rule, glob: repositoryGlob(repository), viewOf })
  }
  return {
    ...running,
    probed: choices.map(({ repository, viewOf }) => ({ name: repository, backend: viewOf(PROBED_REPOSITORY) })),
    backendFor(repository) {
      const choice = choices.find(({ glob }) => glob.fits(repository))
      if (choice !== undefined) return choice.viewOf(repository)
      throw appError('NO_BACKEND_RULE', { detail: { repository: repositoryText(repository) } })
    },
  }
}
