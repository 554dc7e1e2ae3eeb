import { isDeepStrictEqual } from 'node:util'
import { appError, byteCache, lifecycle, type Startable } from '../base/index.ts'
import { parseRepository, type RepositoryGlob, repositoryGlob, repositoryText } from '../core/index.ts'
import type { Backend } from './backend.ts'
import type { Backends } from './backends.ts'
import { boundedBackend } from './bounded-backend.ts'
import type { BackendConfig, BackendRules } from './config.ts'
import { countedBackend } from './counted-backend.ts'
import { type DriverComponents, openDriver } from './drivers.ts'
import { prefixedBackend } from './prefixed-backend.ts'
import { openShadow } from './shadow/open-shadow.ts'
import { tracedBackend } from './traced-backend.ts'
import { unownedBackend } from './unowned-backend.ts'

type AnyBackend = Backend | Backends
type BackendOf = (config: BackendConfig) => AnyBackend

function open(components: DriverComponents, config: BackendConfig, backendOf: BackendOf): AnyBackend {
  if (config.driver !== 'shadow') return openDriver(components, config)
  const { primary, secondary, ...init } = config
  return openShadow(
    { ...components, primary: unownedBackend(backendOf(primary)), secondary: unownedBackend(backendOf(secondary)) },
    init,
  )
}

/** Opens each backend once, however often it is named, so that all who name it share its connections and limits. */
function openedOnce(components: DriverComponents): Startable & { readonly backendOf: BackendOf } {
  const kept: { readonly config: BackendConfig; readonly opened: AnyBackend }[] = []
  const started: AnyBackend[] = []
  const backendOf: BackendOf = (config) => {
    const known = kept.find((one) => isDeepStrictEqual(one.config, config))
    if (known !== undefined) return known.opened
    const opened = open(components, config, backendOf)
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
export function openBackend(components: DriverComponents, config: BackendConfig): Backend {
  const { backendOf, ...running } = openedOnce(components)
  const opened = backendOf(config)
  const { metrics, tracer } = components
  if (!('backendFor' in opened)) {
    return { ...tracedBackend(tracer, countedBackend(metrics, boundedBackend(opened))), ...running }
  }
  throw appError('CONFIG_INVALID', { message: `a backend of the driver ${config.driver} holds only blobs` })
}

/** Number of per-repository views that are kept; making one again costs no request. */
const MAX_VIEWS = 1000

/** The repository whose part of a backend is probed; it need not exist. */
const PROBED_REPOSITORY = parseRepository('probe')

type BackendFor = Backends['backendFor']

/** What a backend holds for each repository: with most drivers the same for all. */
function viewsOf({ metrics, tracer }: DriverComponents, opened: AnyBackend, path: string): BackendFor {
  const view = (backend: Backend) =>
    prefixedBackend(tracedBackend(tracer, countedBackend(metrics, boundedBackend(backend))), path)
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

/** Opens the backends that the rules name; rules with the same backend and path share one `Backend`. */
export function openBackends(components: DriverComponents, rules: BackendRules): Backends {
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
