import { contentStore, type StoreComponents, type StoreInit } from './content-store.ts'
import type { ManagedStore } from './managed-store.ts'
import { memoryMedium } from './memory/memory-medium.ts'

/** The twin of `diskStore` in memory, for tests and the simulator. Keeps what it has over a stop and a start. */
export function memoryStore(components: StoreComponents, init: StoreInit): ManagedStore {
  return contentStore(components, init, memoryMedium())
}
