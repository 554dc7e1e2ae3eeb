import { type LiveKeysOf, type LiveSettings, liveSettings } from '../../lib/api/index.ts'
import type { Runtime, UpstreamEntry, Withheld } from '../../lib/service/index.ts'
import { limitsTogether, type ScrubRounds, type StoreLimits } from '../../lib/store/index.ts'
import type { SettableLimits, SwarmEngine } from '../../lib/swarm/index.ts'
import type { AgentConfig } from './config.ts'
import type { PullRules } from './pull-rules/index.ts'
import type { Ways } from './upstreams/index.ts'

export interface AgentLiveParts extends Pick<Runtime, 'setLogLevel'> {
  readonly engine: Pick<SwarmEngine, 'uploads' | 'downloads' | 'limits'>
  readonly store: StoreLimits
  readonly scrub: Pick<ScrubRounds['scrub'], 'setRate'>
  readonly rules: Pick<PullRules, 'now' | 'set'>
  readonly gives: Pick<Withheld, 'set'>
  readonly upstreamWait: Pick<Ways, 'setWaitMs'>
  readonly front: {
    setClientRequests(perSecond: number | undefined): void
    setFill(fills: boolean): void
    /** @throws CONFIG_INVALID when the file does not go with them */
    setUpstreams(entries: readonly UpstreamEntry[]): void
  }
}

/** What obeys each key of an agent that changes while it runs. */
export function agentLive(
  { engine, store, scrub: scrubbing, rules, gives, upstreamWait, front, setLogLevel }: AgentLiveParts,
  { log, limits, registry, pulls, withhold, store: room, scrub }: AgentConfig,
): LiveSettings {
  const ofStore = limitsTogether(store)
  const setPulls = (changed: Partial<PullRules['now']>) => rules.set({ ...rules.now, ...changed })
  const ofSwarm = (name: keyof SettableLimits) => (value: number) => engine.limits.set({ [name]: value })
  const keys: LiveKeysOf<'agent'> = {
    log: { file: log, set: setLogLevel },
    'limits.upload': { file: limits.upload, set: (rate) => engine.uploads.setRate(rate) },
    'limits.download': { file: limits.download, set: (rate) => engine.downloads.setRate(rate) },
    'limits.connections': { file: limits.connections, set: ofSwarm('connections') },
    'limits.blobConnections': { file: limits.blobConnections, set: ofSwarm('blobConnections') },
    'limits.uploadSlots': { file: limits.uploadSlots, set: ofSwarm('uploadSlots') },
    'limits.window': { file: limits.window, set: ofSwarm('windowBytes') },
    'limits.pipeline': { file: limits.pipeline, set: ofSwarm('pipelineBlocks') },
    'registry.clientRequests': { file: registry.clientRequests, set: (count) => front.setClientRequests(count) },
    'registry.fill': { file: registry.fill, set: (fills) => front.setFill(fills) },
    'registry.upstreams': { file: registry.upstreams, set: (entries) => front.setUpstreams(entries) },
    'registry.upstreamWait': { file: registry.upstreamWait, set: (ms) => upstreamWait.setWaitMs(ms) },
    'pulls.clientMax': { file: pulls.clientMax, set: (clientMax) => setPulls({ clientMax }) },
    'pulls.rules': { file: pulls.rules, set: (classes) => setPulls({ rules: classes }) },
    'pulls.blocks': { file: pulls.blocks, set: (blocks) => setPulls({ blocks }) },
    withhold: { file: withhold, set: (withheld) => gives.set(withheld) },
    'store.capacity': { file: room.capacity, set: (capacityBytes) => ofStore.note({ capacityBytes }) },
    'store.minFree': { file: room.minFree, set: (minFreeBytes) => ofStore.note({ minFreeBytes }) },
    'store.highWatermark': { file: room.highWatermark, set: (highWatermark) => ofStore.note({ highWatermark }) },
    'store.lowWatermark': { file: room.lowWatermark, set: (lowWatermark) => ofStore.note({ lowWatermark }) },
    'scrub.rate': { file: scrub.rate, set: (rate) => scrubbing.setRate(rate) },
  }
  return liveSettings('agent', keys, ofStore)
}
