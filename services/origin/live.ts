import { type LiveKeysOf, type LiveSettings, liveSettings } from '../../lib/api/index.ts'
import type { Runtime, Withheld } from '../../lib/service/index.ts'
import { limitsTogether, type Scrub, type StoreLimits } from '../../lib/store/index.ts'
import type { SettableLimits, SwarmEngine } from '../../lib/swarm/index.ts'
import type { FillPace } from './bring/fill-pace.ts'
import type { OriginConfig } from './config.ts'
import type { HandOver } from './upkeep/hand-over.ts'

export interface OriginLiveParts extends Pick<Runtime, 'setLogLevel'> {
  readonly engine: Pick<SwarmEngine, 'uploads' | 'limits'>
  readonly fill: Pick<FillPace, 'setRate'>
  readonly scrub: Pick<Scrub, 'setRate'>
  readonly handOver: Pick<HandOver, 'setRate'>
  readonly gives: Pick<Withheld, 'set'>
  readonly store: StoreLimits
}

/** What obeys each key of an origin that changes while it runs. */
export function originLive(
  { engine, fill, scrub: scrubbing, handOver: walks, gives, store, setLogLevel }: OriginLiveParts,
  { log, limits, ingest, withhold, store: room, handOver, scrub }: OriginConfig,
): LiveSettings {
  const ofStore = limitsTogether(store)
  const ofSwarm = (name: keyof SettableLimits) => (value: number) => engine.limits.set({ [name]: value })
  const keys: LiveKeysOf<'origin'> = {
    log: { file: log, set: setLogLevel },
    'limits.upload': { file: limits.upload, set: (rate) => engine.uploads.setRate(rate) },
    'limits.connections': { file: limits.connections, set: ofSwarm('connections') },
    'limits.blobConnections': { file: limits.blobConnections, set: ofSwarm('blobConnections') },
    'limits.uploadSlots': { file: limits.uploadSlots, set: ofSwarm('uploadSlots') },
    'ingest.fill': { file: ingest.fill, set: (rate) => fill.setRate(rate) },
    withhold: { file: withhold, set: (rules) => gives.set(rules) },
    'store.minFree': { file: room.minFree, set: (minFreeBytes) => ofStore.note({ minFreeBytes }) },
    'store.highWatermark': { file: room.highWatermark, set: (highWatermark) => ofStore.note({ highWatermark }) },
    'store.lowWatermark': { file: room.lowWatermark, set: (lowWatermark) => ofStore.note({ lowWatermark }) },
    'store.uploadIdle': { file: room.uploadIdle, set: (uploadIdleMs) => ofStore.note({ uploadIdleMs }) },
    'handOver.rate': { file: handOver.rate, set: (rate) => walks.setRate(rate) },
    'scrub.rate': { file: scrub.rate, set: (rate) => scrubbing.setRate(rate) },
  }
  return liveSettings('origin', keys, ofStore)
}
