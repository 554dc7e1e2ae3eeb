import type { Startable } from '../base/index.ts'
import type { Repository } from '../core/index.ts'
import type { Backend } from './backend.ts'

/** A backend whose availability is probed. */
export interface ProbedBackend {
  /** The pattern of the repositories whose blobs this backend holds. */
  readonly name: string
  readonly backend: Pick<Backend, 'stat'>
}

/** The backends of a cluster, or one backend with a part for each repository; they start and stop together. */
export interface Backends extends Startable {
  /** The backend for the blobs of a repository. @throws NO_BACKEND_RULE when no rule fits */
  backendFor(repository: Repository): Backend
  /** The backends that readiness depends on. */
  readonly probed?: readonly ProbedBackend[]
}
