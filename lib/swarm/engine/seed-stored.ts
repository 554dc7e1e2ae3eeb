import type { Startable } from '../../base/index.ts'
import type { BlobReader, PartialBlobs } from '../../store/index.ts'
import { swarmLimits } from '../limits.ts'
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

/** At its start, announces those parts of blobs that were used last, as many as an engine announces. */
export function seedParts(store: Pick<PartialBlobs, 'partials'>, engine: Pick<SwarmEngine, 'seedPart'>): Startable {
  return {
    async start() {
      for (const part of (await store.partials()).slice(-swarmLimits.maxPartsAtRest)) engine.seedPart(part)
    },
    stop: () => Promise.resolve(),
  }
}
