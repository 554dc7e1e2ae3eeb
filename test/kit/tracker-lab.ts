import { type FakeClock, fakeClock, type Random, seededRandom } from '../../lib/base/index.ts'
import { silentMetrics } from '../../lib/telemetry/index.ts'
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
import { peerRegistry } from '../../services/tracker/peer-registry.ts'
import { seedRegistry } from '../../services/tracker/seeds/seed-registry.ts'

const settings: EffectiveSettings = { policy: 'completeness', perSecond: 1, minMs: 1, maxMs: 9 }

/** The parts of a tracker on a clock that the test moves, without a server and without a file. */
export function trackerLab({
  clock = fakeClock(),
  random = seededRandom(1),
  ...given
}: Partial<EffectiveSettings> & { random?: Random; clock?: FakeClock } = {}) {
  const parts = { clock, random, onEvicted: () => undefined }
  const seeds = seedRegistry(parts, { maxNodes: 999, maxSeeds: 999, maxSwarms: 999, maxSeedsPerNode: 999 })
  const registry = peerRegistry(
    { ...parts, seeders: () => 0 },
    { maxEntries: 999, maxSwarms: 999, maxPeersPerSwarm: 999 },
  )
  const book = hostBook(clock, { maxHosts: 999 })
  const feeding = feeds(clock, { maxFeeds: 999 })
  const names = swarmNames(clock, { maxSwarms: 999 })
  const events = eventLog(clock, { maxEvents: 99 })
  const file = { load: () => Promise.resolve({ bans: [], drains: [], settings: {} }), save: () => Promise.resolve() }
  const steering = control({ clock, file, onEvent: (...event) => events.add(...event) }, { ...settings, ...given })
  const health = hostHealth(clock, { maxHosts: 999 })
  const observed = { book, feeds: feeding, health, names, events, control: steering }
  const announcing = announcements({
    ...{ registry, seeds, control: steering, random, metrics: silentMetrics() },
    observer: observer(observed),
    naming: naming({ ...observed, registry, seeds, random, crossings: crossings(clock, { maxCrossings: 999 }) }),
  })
  return { clock, random, registry, seeds, ...observed, announcements: announcing }
}
