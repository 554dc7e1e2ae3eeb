import { type Clock, type FakeClock, fakeClock, type Random, seededRandom } from '../../lib/base/index.ts'
import type { SwarmId } from '../../lib/core/index.ts'
import { silentLogger, silentMetrics } from '../../lib/telemetry/index.ts'
import { announcements } from '../../services/tracker/announcements.ts'
import { control, type EffectiveSettings } from '../../services/tracker/control/control.ts'
import { crossings } from '../../services/tracker/crossings.ts'
import { eventLog } from '../../services/tracker/events/event-log.ts'
import { feeds } from '../../services/tracker/hosts/feeds.ts'
import { hostBook } from '../../services/tracker/hosts/host-book.ts'
import { hostHealth } from '../../services/tracker/hosts/host-health.ts'
import { observer } from '../../services/tracker/hosts/observer.ts'
import { swarmNames } from '../../services/tracker/hosts/swarm-names.ts'
import { naming } from '../../services/tracker/naming.ts'
import { type PeerRegistry, peerRegistry } from '../../services/tracker/peer-registry.ts'
import { noPeerStore, type PeerStore } from '../../services/tracker/peer-store/peer-store.ts'
import { type SeedRegistry, seedRegistry } from '../../services/tracker/seeds/seed-registry.ts'
import { stalls } from '../../services/tracker/stalls.ts'

const settings: EffectiveSettings = { policy: 'completeness', perSecond: 1, minMs: 1, maxMs: 9 }

export interface TrackerLabParts<C extends Clock> {
  readonly clock: C
  readonly random?: Random
  /** Default: none. */
  readonly store?: (known: { readonly registry: PeerRegistry; readonly seeds: SeedRegistry }) => PeerStore
}

/** The parts of a tracker on a clock that the test moves, without a server and without a file. */
export function trackerLab({
  clock = fakeClock(),
  random = seededRandom(1),
  ...given
}: Partial<EffectiveSettings> & { random?: Random; clock?: FakeClock } = {}) {
  return trackerLabOn<FakeClock>(given, { clock, random })
}

/** The same on any clock, and with a store that it shares with others. */
export function trackerLabOn<C extends Clock>(given: Partial<EffectiveSettings>, parts: TrackerLabParts<C>) {
  const { clock, random = seededRandom(1) } = parts
  const common = { clock, random, onEvicted: () => undefined }
  const seeds = seedRegistry(common, { maxNodes: 999, maxSeeds: 999, maxSwarms: 999, maxSeedsPerNode: 999 })
  const registry = peerRegistry(
    {
      ...{ ...common, seeders: () => 0 },
      onEvicted(_what, swarmId, entries) {
        for (const entry of entries) store.left(swarmId, entry)
      },
    },
    { maxEntries: 999, maxSwarms: 999, maxPeersPerSwarm: 999 },
  )
  const store: PeerStore = parts.store?.({ registry, seeds }) ?? noPeerStore()
  const book = hostBook(clock, { maxHosts: 999 })
  const feeding = feeds(clock, { maxFeeds: 999 })
  const names = swarmNames(clock, { maxSwarms: 999 })
  const events = eventLog(clock, { maxEvents: 99 })
  const file = { load: () => Promise.resolve([]), save: () => Promise.resolve() }
  const steering = control(
    { clock, file, logger: silentLogger(), onEvent: (...event) => events.add(...event), member: 'tracker-1' },
    { ...settings, ...given },
  )
  const health = hostHealth(clock, { maxHosts: 999 })
  const observed = { book, feeds: feeding, health, names, events, control: steering }
  const named = naming({
    ...observed,
    registry,
    seeds,
    random,
    crossings: crossings(clock, { maxCrossings: 999 }),
    stalls: stalls(clock, { maxZones: 999 }),
  })
  const bringing: SwarmId[] = []
  const announcing = announcements({
    ...{ registry, seeds, store, control: steering, random, metrics: silentMetrics() },
    observer: observer(observed),
    naming: named,
    onBringing: (swarmId) => void bringing.push(swarmId),
  })
  return { clock, random, registry, seeds, store, ...observed, naming: named, announcements: announcing, bringing }
}
