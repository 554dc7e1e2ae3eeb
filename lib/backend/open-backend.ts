import { resolve } from 'node:path'
import { appError, type Clock, lifecycle, type Random, type Startable } from '../base/index.ts'
import type { Logger, Metrics } from '../telemetry/index.ts'
import type { Backend } from './backend.ts'
import type { BackendConfig, BackendRules } from './config.ts'
import { countedBackend } from './counted-backend.ts'
import { fileBackend } from './file/file-backend.ts'
import { governor } from './governor.ts'
import { defaultStoreLimits } from './limits-config.ts'
import { pacedBackend } from './paced-backend.ts'
import { prefixedBackend } from './prefixed-backend.ts'

export interface OpenBackendComponents {
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly metrics: Metrics
}

type OpenDriver<D extends BackendConfig['driver']> = (
  components: OpenBackendComponents,
  config: Extract<BackendConfig, { driver: D }>,
) => Backend

const drivers: { readonly [D in BackendConfig['driver']]: OpenDriver<D> } = {
  file: (components, { folder, limits }) =>
    pacedBackend(
      governor(components, { ...defaultStoreLimits, ...limits }),
      fileBackend(components, { folder: resolve(folder) }),
    ),
}

/** The store that `config` names, not yet started; its requests are counted. */
export function openBackend(components: OpenBackendComponents, config: BackendConfig): Backend {
  return countedBackend(components.metrics, drivers[config.driver](components, config))
}

/** The stores of a cluster, started and stopped together. */
export interface Backends extends Startable {
  /** The store for the blobs of a repository. @throws CONFIG_INVALID when no rule fits */
  backendFor(namespace: string): Backend
}

/** Opens one store for each rule. */
export function openBackends(components: OpenBackendComponents, rules: BackendRules): Backends {
  const choices = rules.map(({ namespace, path, backend }) => ({
    fits: globOf(namespace),
    backend: prefixedBackend(openBackend(components, backend), path),
  }))
  return {
    ...lifecycle(choices.map(({ backend }) => backend)),
    backendFor(namespace) {
      const choice = choices.find(({ fits }) => fits.test(namespace))
      if (choice !== undefined) return choice.backend
      throw appError('CONFIG_INVALID', {
        message: 'no backend rule fits the repository; end the list with one for namespace "*"',
        detail: { namespace },
      })
    },
  }
}

function globOf(pattern: string): RegExp {
  const literal = pattern.split('*').map((part) => part.replaceAll(/[\\^$.|?+()[\]{}]/g, String.raw`\$&`))
  return new RegExp(`^${literal.join('.*')}$`)
}
