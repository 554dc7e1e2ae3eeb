import { type LiveSettings, liveSettings } from '../../lib/api/index.ts'
import type { Runtime, Withheld } from '../../lib/service/index.ts'
import type { ScrubRounds, StoreLimits } from '../../lib/store/index.ts'
import type { SwarmEngine } from '../../lib/swarm/index.ts'
import type { AgentConfig } from './config.ts'
import type { PullRules } from './pull-rules/index.ts'

export interface AgentLiveParts extends Pick<Runtime, 'setLogLevel'> {
  readonly engine: Pick<SwarmEngine, 'uploads' | 'downloads'>
  readonly store: StoreLimits
  readonly scrub: Pick<ScrubRounds['scrub'], 'setRate'>
  readonly rules: Pick<PullRules, 'now' | 'set'>
  readonly gives: Pick<Withheld, 'set'>
  readonly front: {
    setClientRequests(perSecond: number | undefined): void
    setFill(fills: boolean): void
  }
}

/** What obeys each key of an agent that changes while it runs. */
export function agentLive(
  { engine, store, scrub: scrubbing, rules, gives, front, setLogLevel }: AgentLiveParts,
  { log, limits, registry, pulls, withhold, store: room, scrub }: AgentConfig,
): LiveSettings {
  const now = { capacityBytes: room.capacity, minFreeBytes: room.minFree }
  const setRoom = (changed: Partial<typeof now>) => {
    store.setLimits({ ...now, ...changed })
    Object.assign(now, changed)
  }
  const setPulls = (changed: Partial<PullRules['now']>) => rules.set({ ...rules.now, ...changed })
  return liveSettings('agent', {
    log: { file: log, set: setLogLevel },
    'limits.upload': { file: limits.upload, set: (rate) => engine.uploads.setRate(rate) },
    'limits.download': { file: limits.download, set: (rate) => engine.downloads.setRate(rate) },
    'registry.clientRequests': { file: registry.clientRequests, set: (count) => front.setClientRequests(count) },
    'registry.fill': { file: registry.fill, set: (fills) => front.setFill(fills) },
    'pulls.clientMax': { file: pulls.clientMax, set: (clientMax) => setPulls({ clientMax }) },
    'pulls.rules': { file: pulls.rules, set: (classes) => setPulls({ rules: classes }) },
    'pulls.blocks': { file: pulls.blocks, set: (blocks) => setPulls({ blocks }) },
    withhold: { file: withhold, set: (withheld) => gives.set(withheld) },
    'store.capacity': { file: room.capacity, set: (capacityBytes) => setRoom({ capacityBytes }) },
    'store.minFree': { file: room.minFree, set: (minFreeBytes) => setRoom({ minFreeBytes }) },
    'scrub.rate': { file: scrub.rate, set: (rate) => scrubbing.setRate(rate) },
  })
}
