import { lifecycle } from '../../base/index.ts'
import type { Repository } from '../../core/index.ts'
import type { Logger, Metrics } from '../../telemetry/index.ts'
import type { Backend } from '../backend.ts'
import type { Backends } from '../backends.ts'
import { copies } from './copies.ts'
import { shadowBackend } from './shadow-backend.ts'

export interface OpenShadowComponents {
  readonly logger: Logger
  readonly metrics: Metrics
  readonly primary: Backend | Backends
  readonly secondary: Backend | Backends
}

export interface OpenShadowInit {
  readonly writes: 'both' | 'primary'
  readonly copyOnRead: boolean
}

/** `shadowBackend` with its copies; one for each repository when either backend has separate parts for repositories. */
export function openShadow(components: OpenShadowComponents, init: OpenShadowInit): Backend | Backends {
  const { primary, secondary, metrics } = components
  const copied = copies(components)
  const shadowOf = (one: Backend, other: Backend) =>
    shadowBackend({ metrics, primary: one, secondary: other, copies: init.copyOnRead ? copied : undefined }, init)
  const running = lifecycle([primary, secondary, copied])
  if (!('backendFor' in primary) && !('backendFor' in secondary)) return { ...shadowOf(primary, secondary), ...running }
  const viewOf = (backend: Backend | Backends, repository: Repository) =>
    'backendFor' in backend ? backend.backendFor(repository) : backend
  return {
    ...running,
    backendFor: (repository) => shadowOf(viewOf(primary, repository), viewOf(secondary, repository)),
  }
}
