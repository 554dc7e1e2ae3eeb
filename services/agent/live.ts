import { type LiveSettings, liveSettings } from '../../lib/api/index.ts'
import type { Runtime } from '../../lib/service/index.ts'
import type { ScrubRounds, StoreLimits } from '../../lib/store/index.ts'
import type { SwarmEngine } from '../../lib/swarm/index.ts'
import type { AgentConfig } from './config.ts'

export interface AgentLiveParts extends Pick<Runtime, 'setLogLevel'> {
  readonly engine: Pick<SwarmEngine, 'uploads' | 'downloads'>
  readonly store: StoreLimits
  readonly scrub: Pick<ScrubRounds['scrub'], 'setRate'>
  readonly front: {
    setClientRequests(perSecond: number | undefined): void
    setFill(fills: boolean): void
  }
}

/** What obeys each key of an agent that changes while it runs. */
export function agentLive(
  { engine, store, scrub: scrubbing, front, setLogLevel }: AgentLiveParts,
  { log, limits, registry, store: room, scrub }: AgentConfig,
): LiveSettings {
  const now = { capacityBytes: room.capacity, minFreeBytes: room.minFree }
  const setRoom = (changed: Partial<typeof now>) => {
    store.setLimits({ ...now, ...changed })
    Object.assign(now, changed)
  }
  return liveSettings('agent', {
    log: { file: log, set: setLogLevel },
    'limits.upload': { file: limits.upload, set: (rate) => engine.uploads.setRate(rate) },
    'limits.download': { file: limits.download, set: (rate) => engine.downloads.setRate(rate) },
    'registry.clientRequests': { file: registry.clientRequests, set: (count) => front.setClientRequests(count) },
    'registry.fill': { file: registry.fill, set: (fills) => front.setFill(fills) },
    'store.capacity': { file: room.capacity, set: (capacityBytes) => setRoom({ capacityBytes }) },
    'store.minFree': { file: room.minFree, set: (minFreeBytes) => setRoom({ minFreeBytes }) },
    'scrub.rate': { file: scrub.rate, set: (rate) => scrubbing.setRate(rate) },
  })
}
