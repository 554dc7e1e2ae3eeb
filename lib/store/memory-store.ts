import { contentStore, type StoreComponents, type StoreInit } from './content-store.ts'
import type { ManagedStore } from './managed-store.ts'
import { memoryMedium } from './memory/memory-medium.ts'
import type { StoreLimits } from './upkeep.ts'

/**
 * The in-memory twin of `diskStore`, for tests and the simulator. Keeps its content when it is stopped and started
 * again.
 */
export function memoryStore(components: StoreComponents, init: StoreInit): ManagedStore & StoreLimits {
  return contentStore(components, init, memoryMedium())
}
