import type { Startable } from '../../base/index.ts'
import type { BlobReader } from '../../store/index.ts'
import type { SwarmEngine } from './engine-contract.ts'

/** At its start, announces every blob that is already in the store, so that peers find it after a restart. */
export function seedStored(store: BlobReader, engine: SwarmEngine): Startable {
  return {
    async start() {
      for (const { digest, size } of await store.list()) engine.seed({ digest }, size)
    },
    stop: () => Promise.resolve(),
  }
}
