import { describe, expect, test } from '@jest/globals'
import { seededRandom, shuffled } from '../../../lib/base/index.ts'
import { newPeerId, type SwarmId } from '../../../lib/core/index.ts'
import { type PeerEntry, swarm } from '../../../services/tracker/swarm.ts'
import { MAX_ZONES, pickAcross } from '../../../services/tracker/zone-groups.ts'
import { trackerLab } from '../../kit/tracker-lab.ts'

const ids = seededRandom(3)
const swarmId = '2'.repeat(40) as SwarmId

const entry = (given: Partial<PeerEntry> = {}): PeerEntry => ({
  ...{ peerId: newPeerId(ids), key: 'k', host: '10.0.0.1', port: 1, role: 'agent', complete: false },
  ...given,
})

function filled(groups: readonly (readonly [number, Partial<PeerEntry>])[]) {
  const watcher = { added: () => undefined, dropped: () => undefined }
  const made = swarm(swarmId, { random: seededRandom(4), maxPeers: 99_999, watcher })
  for (const [count, given] of groups) for (let i = 0; i < count; i += 1) made.put(entry(given), 1e9)
  return made
}

describe('a sample', () => {
  test('has all that fits of a small zone in a big swarm, of each kind, and a few of the others', () => {
    const made = filled([
      [3000, { zone: 'big' }],
      [3000, { zone: 'big', complete: true }],
      [20, { zone: 'small' }],
      [5, { zone: 'small', complete: true }],
      [2, { zone: 'small', role: 'origin', complete: true }],
    ])
    const sample = made.sample({ limit: 50, zone: 'small' }, 0)
    const count = (zone: string, complete: boolean) =>
      sample.filter((peer) => peer.zone === zone && peer.complete === complete).length
    expect([count('small', false), count('small', true), count('big', false), count('big', true)]).toEqual([
      20, 7, 8, 8,
    ])
    expect(made.sample({ limit: 50 }, 0)).toHaveLength(102)
  })

  test('is of everybody for a zone that has nobody', () => {
    expect(filled([[60, { zone: 'a' }]]).sample({ limit: 50, zone: 'b' }, 0)).toHaveLength(50)
  })

  test('tells the share that each has, measured by who lacks most', () => {
    const made = filled([])
    for (const left of [100, 25, 100, undefined]) made.put(entry(), 1e9, left)
    expect(made.sample({ limit: 9 }, 0).map(({ have }) => have)).toEqual([0, 0.75, 0, undefined])
  })

  test('stays quick when peers name very many zones: they count as of none', () => {
    const made = filled(Array.from({ length: 500 }, (_, i) => [1, { zone: `zone ${i}` }] as const))
    expect(made.sample({ limit: 50, zone: '' }, 0)).toHaveLength(50 + 8)
    expect(made.sample({ limit: 50, zone: `zone ${MAX_ZONES - 1}` }, 0)).toHaveLength(1 + 8)
    made.clear()
    expect(made.sample({ limit: 50 }, 0)).toEqual([])
  })

  test('of seeders is drawn by zone in each swarm, however many zones others have', () => {
    const { seeds, random } = trackerLab()
    const told = (zone: string, to: SwarmId) => {
      const node = { ...entry(), zone }
      seeds.announce(node, { base: undefined, sequence: 1, add: [to], remove: [] }, 1000)
      return node
    }
    const other = '3'.repeat(40) as SwarmId
    const many = Array.from({ length: 2 * MAX_ZONES }, (_, i) => told(`zone ${i}`, other))
    for (let i = 0; i < 20; i += 1) told(i < 2 ? 'late' : 'later', swarmId)
    const near = seeds.sample(swarmId, 50, 'late').map(({ zone }) => zone)
    expect([near.length, near.filter((zone) => zone === 'late').length]).toEqual([2 + 8, 2])
    for (const [at, node] of shuffled(many, random).entries()) {
      expect(seeds.has(other, node.peerId)).toBe(true)
      seeds.announce(node, { base: 1, sequence: 2, add: [], remove: [other] }, 1000)
      expect(seeds.count(other, 'agent')).toBe(many.length - at - 1)
      if (at % 3 === 0) told(`zone ${at}`, swarmId)
    }
    expect([seeds.has(other, many[0]!.peerId), seeds.seedersOf(other)]).toEqual([false, []])
  })

  test('of seeders is drawn by zone, and follows a node that says another zone', () => {
    const { seeds } = trackerLab()
    const node = (zone: string | undefined) => ({ ...entry(), zone })
    const told = (from: ReturnType<typeof node>, sequence: number, base?: number) =>
      seeds.announce(from, { base, sequence, add: [swarmId], remove: [] }, 1000)
    const moving = node('a')
    for (const each of [moving, node('a'), node('b'), node(undefined)]) told(each, 1)
    const zones = () =>
      seeds
        .sample(swarmId, 9, 'a')
        .map(({ zone }) => zone)
        .toSorted()
    expect(zones()).toEqual(['a', 'a', 'b', undefined])
    expect(told({ ...moving, zone: 'b' }, 2, 1)).toBe('unknown')
    expect(told({ ...moving, zone: 'b' }, 3)).toBe('taken')
    expect(zones()).toEqual(['a', 'b', 'b', undefined])
    expect([seeds.nodes, seeds.seeds, seeds.swarms]).toEqual([4, 4, 1])
  })
})

test('places are picked across groups with equal chances', () => {
  const groups = [{ length: 1 }, { length: 0 }, { length: 30 }, { length: 9 }]
  const counts = [0, 0, 0, 0]
  const random = seededRandom(9)
  for (let i = 0; i < 2000; i += 1) {
    const picked = pickAcross(groups, 4, random)
    expect(new Set(picked.map(({ group, place }) => `${groups.indexOf(group)} ${place}`)).size).toBe(4)
    for (const { group } of picked) counts[groups.indexOf(group)] = (counts[groups.indexOf(group)] ?? 0) + 1
  }
  const shares = counts.map((count) => count / (2000 * 4))
  for (const [at, share] of [1 / 40, 0, 30 / 40, 9 / 40].entries()) expect(shares[at]).toBeCloseTo(share, 1)
})
