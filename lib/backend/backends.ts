import type { Startable } from '../base/index.ts'
import type { Backend } from './backend.ts'

/** The stores of a cluster, or one store with a part for each repository; started and stopped together. */
export interface Backends extends Startable {
  /** The store for the blobs of a repository. @throws CONFIG_INVALID when no rule fits */
  backendFor(namespace: string): Backend
}
