import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { fakeClock, seededRandom } from '../../../lib/base/index.ts'
import { newPeerId, type PeerId, peerIdOf, type SwarmId } from '../../../lib/core/index.ts'
import { ownerByKey } from '../../../services/tracker/owner.ts'
import { type SeedingNode, type SeedRegistryInit, seedRegistry } from '../../../services/tracker/seeds/seed-registry.ts'

const random = seededRandom(1)
const swarmOf = (i: number) => i.toString(16).padStart(40, '0') as SwarmId
const [one, two, three] = [swarmOf(1), swarmOf(2), swarmOf(3)]
let last = 0

function node(given: Partial<SeedingNode> = {}): SeedingNode {
  last += 1
  const host = `10.0.${(last >> 8) & 255}.${last & 255}`
  return { peerId: newPeerId(random), key: 'k', host, port: 6881, role: 'agent', ...given }
}

function registry(init: Partial<SeedRegistryInit> = {}) {
  const clock = fakeClock()
  const limits = { maxNodes: 100, maxSeeds: 1000, maxSwarms: 1000, maxSeedsPerNode: 10, ...init }
  const evicted: true[] = []
  const made = seedRegistry({ clock, random: seededRandom(2), onEvicted: () => evicted.push(true) }, limits)
  const all = (of: SeedingNode, add: readonly SwarmId[], sequence = 1) =>
    made.announce(of, { base: undefined, sequence, remove: [], add }, 1000)
  const seedersOf = (swarm: SwarmId) => made.sample(swarm, 100).map(({ peerId }) => peerId)
  return { clock, made, all, seedersOf, evicted: () => evicted.length }
}

describe('seed registry', () => {
  test('names the node for each of its blobs, without its key', () => {
    const { made, all } = registry()
    const seeder = node({ role: 'origin' })
    expect(all(seeder, [one, two])).toBe('taken')
    const { peerId, host, port, role } = seeder
    expect(made.sample(one, 10)).toEqual([{ peerId, host, port, role, complete: true }])
    expect(made.sample(three, 10)).toEqual([])
    expect([made.nodes, made.seeds, made.swarms, made.count(two, 'origin')]).toEqual([1, 2, 2, 1])
  })

  test('applies changes to the state that they start from, and to a later one', () => {
    const { made, all, seedersOf } = registry()
    const seeder = node()
    all(seeder, [one])
    expect(made.announce(seeder, { base: 1, sequence: 2, remove: [one], add: [two] }, 1000)).toBe('taken')
    // The answer was lost: the same changes again, and one more.
    expect(made.announce(seeder, { base: 1, sequence: 3, remove: [one], add: [two, three] }, 1000)).toBe('taken')
    expect([seedersOf(one), seedersOf(two), seedersOf(three)]).toEqual([[], [seeder.peerId], [seeder.peerId]])
    expect(made.sequenceOf(seeder.peerId)).toBe(3)
  })

  test('asks for everything when it does not have the state', () => {
    const { made, all } = registry()
    const seeder = node()
    const changes = { base: 4, sequence: 5, remove: [], add: [one] }
    expect(made.announce(seeder, changes, 1000)).toBe('unknown')
    all(seeder, [two], 3)
    expect(made.announce(seeder, changes, 1000)).toBe('unknown')
    expect([made.sequenceOf(seeder.peerId), made.count(one, 'agent')]).toEqual([3, 0])
  })

  test('takes nothing from an announce that comes after a later one', () => {
    const { made, all, seedersOf } = registry()
    const seeder = node()
    all(seeder, [one], 5)
    expect(all(seeder, [two], 4)).toBe('late')
    expect(made.announce(seeder, { base: 3, sequence: 5, remove: [one], add: [two] }, 1000)).toBe('late')
    expect([seedersOf(one), seedersOf(two)]).toEqual([[seeder.peerId], []])
  })

  test('another key changes nothing', () => {
    const { all, seedersOf } = registry()
    const seeder = node()
    all(seeder, [one])
    expect(all({ ...seeder, key: 'other' }, [], 2)).toBe('refused')
    expect(seedersOf(one)).toEqual([seeder.peerId])
  })

  test('a node that moves keeps its seeds; a newcomer at its address replaces nobody', () => {
    const { made, all, seedersOf } = registry()
    const seeder = node()
    all(seeder, [one])
    made.announce({ ...seeder, host: '10.9.9.9' }, { base: 1, sequence: 2, remove: [], add: [] }, 1000)
    expect(made.sample(one, 10)).toMatchObject([{ host: '10.9.9.9' }])
    const newcomer = node({ host: '10.9.9.9' })
    all(newcomer, [two])
    expect([seedersOf(one), seedersOf(two)]).toEqual([[seeder.peerId], [newcomer.peerId]])
    expect(made.nodes).toBe(2)
  })

  test('a node that is silent is not named any longer, and its seeds go with the next sweep', async () => {
    const { made, all, clock, seedersOf } = registry()
    const [gone, stays] = [node(), node()]
    all(gone, [one, two])
    await clock.advance(600)
    all(stays, [one])
    await clock.advance(400)
    expect(seedersOf(one)).toEqual([stays.peerId])
    made.sweep()
    expect([made.nodes, made.seeds, made.swarms]).toEqual([1, 1, 1])
    expect(made.sequenceOf(gone.peerId)).toBe(0)
  })

  test('an announce without changes keeps the node alive', async () => {
    const { made, all, clock, seedersOf } = registry()
    const seeder = node()
    all(seeder, [one])
    for (let sequence = 2; sequence < 6; sequence += 1) {
      await clock.advance(900)
      made.sweep()
      expect(made.announce(seeder, { base: sequence - 1, sequence, remove: [], add: [] }, 1000)).toBe('taken')
    }
    expect(seedersOf(one)).toEqual([seeder.peerId])
  })

  test('a node with too many seeds is refused and keeps what it had', () => {
    const { made, all, seedersOf } = registry({ maxSeedsPerNode: 3 })
    const seeder = node()
    all(seeder, [one, two])
    const add = [three, swarmOf(4)]
    expect(() => made.announce(seeder, { base: 1, sequence: 2, remove: [], add }, 1000)).toThrow(
      expect.objectContaining({ code: 'BODY_INVALID' }),
    )
    expect([seedersOf(one), seedersOf(three)]).toEqual([[seeder.peerId], []])
    expect(made.announce(seeder, { base: 1, sequence: 2, remove: [one], add }, 1000)).toBe('taken')
  })

  test('a seed that is added twice counts once', () => {
    const { made, all } = registry({ maxSeedsPerNode: 3 })
    const seeder = node()
    all(seeder, [one, one])
    expect(made.seeds).toBe(1)
  })

  test('beyond its limits it forgets the nodes that announced least lately, at last the one that announces', () => {
    const { made, all, seedersOf } = registry({ maxNodes: 2, maxSeeds: 4 })
    const [a, b, c] = [node(), node(), node()]
    all(a, [one])
    all(b, [one])
    all(a, [one], 2)
    all(c, [one])
    expect(new Set(seedersOf(one))).toEqual(new Set([a.peerId, c.peerId]))
    expect(all(b, [one, two, three, swarmOf(4), swarmOf(5)])).toBe('full')
    expect([made.nodes, made.seeds, made.sequenceOf(b.peerId)]).toEqual([1, 1, 0])
  })

  test('beyond a limit, nodes of whoever has most make room, and origins last', () => {
    for (const limit of [{ maxNodes: 12 }, { maxSeeds: 40 }, { maxSwarms: 40 }]) {
      const { made, all, seedersOf, evicted } = registry(limit)
      const others = Array.from({ length: 5 }, () => node())
      const ours = node({ role: 'origin', host: '10.9.9.9' })
      for (const other of [ours, ...others]) all(other, [one])
      for (let i = 0; i < 100; i += 1) {
        all(
          node({ host: '10.9.9.9', port: i + 1 }),
          Array.from({ length: 10 }, (_, j) => swarmOf(100 + i * 10 + j)),
        )
      }
      expect(new Set(seedersOf(one))).toEqual(new Set([ours, ...others].map(({ peerId }) => peerId)))
      expect(evicted()).toBeGreaterThan(90)
      expect(made.nodes).toBeLessThanOrEqual(12)
    }
  })

  test('a peer id that was made from a key goes to its owner', () => {
    const { made, all } = registry()
    const owner = node({ key: ownerByKey('secret'), peerId: peerIdOf('secret') })
    all({ ...owner, key: ownerByKey('guess') }, [two], 9)
    expect(all(owner, [one])).toBe('taken')
    expect([made.has(one, owner.peerId), made.has(two, owner.peerId)]).toEqual([true, false])
  })

  test('samples a bounded number of each role', () => {
    const { made, all } = registry()
    for (let i = 0; i < 40; i += 1) all(node(), [one])
    for (let i = 0; i < 3; i += 1) all(node({ role: 'origin' }), [one])
    const sample = made.sample(one, 10)
    expect(sample.map(({ role }) => role)).toEqual([...Array(10).fill('agent'), ...Array(3).fill('origin')])
    expect(new Set(sample.map(({ peerId }) => peerId)).size).toBe(13)
  })

  test('knows who has what through any course of announces and time', () => {
    const nodes = Array.from({ length: 6 }, (_, i) => node({ role: i < 4 ? 'agent' : 'origin' }))
    const swarms = Array.from({ length: 12 }, (_, i) => swarmOf(i))
    const list = fc.array(fc.nat(11), { maxLength: 12 })
    const step = fc.record({ who: fc.nat(5), whole: fc.boolean(), remove: list, add: list })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const { made, seedersOf } = registry({ maxSeedsPerNode: 100 })
        const model = new Map<PeerId, Set<SwarmId>>(nodes.map(({ peerId }) => [peerId, new Set()]))
        for (const { who, whole, ...lists } of steps) {
          const seeder = nodes[who] as SeedingNode
          const base = made.sequenceOf(seeder.peerId)
          const [remove, add] = [lists.remove, lists.add].map((some) => some.map((i) => swarms[i] as SwarmId))
          const changes = { sequence: base + 1, remove: remove ?? [], add: add ?? [] }
          made.announce(seeder, { ...changes, base: whole || base === 0 ? undefined : base }, 1000)
          const own = model.get(seeder.peerId)
          if (whole || base === 0) own?.clear()
          for (const id of changes.remove) own?.delete(id)
          for (const id of changes.add) own?.add(id)
        }
        for (const id of swarms) {
          const expected = nodes.map(({ peerId }) => peerId).filter((peerId) => model.get(peerId)?.has(id))
          expect(seedersOf(id).toSorted()).toEqual(expected.toSorted())
        }
        expect(made.seeds).toBe([...model.values()].reduce((sum, { size }) => sum + size, 0))
      }),
      { seed: 1, numRuns: 300 },
    )
  })
})
