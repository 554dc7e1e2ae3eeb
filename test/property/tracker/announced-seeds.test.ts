import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { type AnnouncingPeer, type SeedChanges, seedAnnouncer } from '../../../lib/api/index.ts'
import { appError, type FakeClock, fakeClock, seededRandom } from '../../../lib/base/index.ts'
import { changingCluster } from '../../../lib/cluster/index.ts'
import { digestOf, newPeerId, type SwarmId, swarmIdOf } from '../../../lib/core/index.ts'
import { silentLogger } from '../../../lib/telemetry/index.ts'
import { type SeedRegistry, seedRegistry } from '../../../services/tracker/seeds/seed-registry.ts'
import { someMembers } from '../../kit/cluster.ts'

const TTL_MS = 60_000
const ids = Array.from({ length: 14 }, (_, i) => swarmIdOf(digestOf(Buffer.from(`blob ${i}`))))
const peer: AnnouncingPeer = { peerId: newPeerId(seededRandom(1)), key: 'k', port: 1, role: 'agent' }

/** What becomes of a request: it never arrives, its answer is lost, or it arrives long after its sender gave up. */
const fates = ['answered', 'unsent', 'unheard', 'delayed'] as const
type Fate = (typeof fates)[number]

/** A real registry behind a network that the test spoils. */
class Tracker {
  readonly #clock: FakeClock
  #registry: SeedRegistry
  #delayed: SeedChanges[] = []
  fate: Fate = 'answered'

  constructor(clock: FakeClock) {
    this.#clock = clock
    this.#registry = this.#emptyRegistry()
  }

  restart(): void {
    this.#registry = this.#emptyRegistry()
  }

  deliverDelayed(): void {
    for (const changes of this.#delayed.splice(0)) this.#take(changes)
  }

  view(): readonly SwarmId[] {
    this.#registry.sweep()
    return ids.filter((id) => this.#registry.has(id, peer.peerId))
  }

  announceSeeds = async (_: AnnouncingPeer, changes: SeedChanges) => {
    await Promise.resolve()
    if (this.fate === 'delayed') this.#delayed.push(changes)
    if (this.fate === 'unheard' || this.fate === 'answered') this.#take(changes)
    if (this.fate !== 'answered') throw appError('REQUEST_TIMEOUT')
    return { sequence: this.#registry.sequenceOf(peer.peerId), intervalMs: 5_000 }
  }

  #take({ base, sequence, add, remove }: SeedChanges): void {
    const node = { peerId: peer.peerId, key: 'k', host: '10.0.0.1', port: 1, role: 'agent' } as const
    this.#registry.announce(node, { base, sequence, add, remove }, TTL_MS)
  }

  #emptyRegistry(): SeedRegistry {
    const limits = { maxNodes: 10, maxSeeds: 1_000, maxSwarms: 1_000, maxSeedsPerNode: 100 }
    return seedRegistry({ clock: this.#clock, random: seededRandom(2), onEvicted: () => undefined }, limits)
  }
}

const TRACKERS = 3
const tracker = fc.nat(TRACKERS - 1)
/** Which trackers are members. */
const there = fc.subarray([...Array(TRACKERS).keys()], { minLength: 1 })
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant('change'), id: fc.constantFrom(...ids), seeded: fc.boolean() }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('beat') }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('fate'), tracker, fate: fc.constantFrom(...fates) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('restart'), tracker }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('late'), tracker }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('time'), ms: fc.constantFrom(100, 6_000, TTL_MS) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('settle') }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('members'), there }) },
)

function setUp(maxChanges: number) {
  const clock = fakeClock()
  const members = someMembers(TRACKERS)
  const cluster = changingCluster(
    { clock, logger: silentLogger() },
    { members, replicas: 2, health: { failures: 3, windowMs: 10_000, outMs: 5_000 } },
  )
  const trackers = members.map(() => new Tracker(clock))
  const byId = new Map(members.map(({ id }, i) => [id, trackers[i] as Tracker]))
  const client = (id: string) => byId.get(id) as Tracker
  const announcer = seedAnnouncer({ cluster, logger: silentLogger(), client }, { maxChanges, maxSeeds: 1_000 })
  return { clock, members, cluster, trackers, byId, announcer }
}

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never
type Rig = ReturnType<typeof setUp>

/** Calls to the announcer overlap until a step settles them. */
async function run(
  { clock, members, cluster, trackers, announcer }: Rig,
  steps: readonly Step[],
): Promise<ReadonlySet<SwarmId>> {
  const truth = new Set<SwarmId>()
  const running: Promise<unknown>[] = []
  for (const each of steps) {
    if (each.kind === 'change') {
      if (each.seeded) truth.add(each.id)
      else truth.delete(each.id)
      running.push(announcer.tell(peer, [{ swarmId: each.id, seeded: each.seeded }]))
    }
    if (each.kind === 'beat') running.push(announcer.tell(peer, []))
    if (each.kind === 'fate') (trackers[each.tracker] as Tracker).fate = each.fate
    if (each.kind === 'restart') trackers[each.tracker]?.restart()
    if (each.kind === 'late') trackers[each.tracker]?.deliverDelayed()
    if (each.kind === 'time') await clock.advance(each.ms)
    if (each.kind === 'members') cluster.replace(members.filter((_, i) => each.there.includes(i)))
    if (each.kind === 'settle') await Promise.all(running.splice(0))
  }
  await Promise.all(running)
  return truth
}

test('after the next announce that succeeds, the trackers of now know exactly the seeds of the node, each at its tracker', () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 60, size: 'max' }),
      fc.integer({ min: 1, max: 5 }),
      async (steps, maxChanges) => {
        const rig = setUp(maxChanges)
        const truth = await run(rig, steps)
        for (const each of rig.trackers) {
          each.deliverDelayed()
          each.fate = 'answered'
        }
        await rig.clock.advance(6_000)
        expect(await rig.announcer.tell(peer, [])).toMatchObject({ told: true })
        for (const { id } of rig.cluster.members) {
          const own = ids.filter((swarmId) => truth.has(swarmId) && rig.cluster.candidates(swarmId)[0]?.id === id)
          expect(rig.byId.get(id)?.view()).toEqual(own)
        }
      },
    ),
    { seed: 1, numRuns: 500 },
  ))
