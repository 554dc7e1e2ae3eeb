import { describe, expect, test } from '@jest/globals'
import { seededRandom } from '../../../lib/base/index.ts'
import type { Asker, Candidate } from '../../../services/tracker/policy/peer-order.ts'
import { policies } from '../../../services/tracker/policy/policies.ts'
import { topology } from '../../../services/tracker/policy/topology.ts'
import { asker, candidates } from '../../kit/candidates.ts'

const here = { zone: 'a', labels: { rack: 'r1', host: 'h1' } }
const near = (count: number, given: Partial<Candidate> = {}) => candidates(count, { zone: 'a', ...given })
const far = (count: number, given: Partial<Candidate> = {}) => candidates(count, { zone: 'b', ...given })
const origin = { role: 'origin', complete: true } as const
const done = { complete: true }

describe.each(['topology', 'adaptive'] as const)('the zones of %s', (name) => {
  const order = policies[name]
  /** How many peers of the own zone, and of others, are named; of others also where. */
  const named = (from: Partial<Asker>, given: readonly Candidate[], seed: number) => {
    const list = order(asker({ ...here, ...from }), given, seededRandom(seed))
    const places = list.flatMap(({ zone }, at) => (zone === 'b' ? [at] : []))
    return { near: list.length - places.length, far: places.length, places }
  }

  test.each<readonly [string, Partial<Asker>, readonly Candidate[], { near: number; far: number }]>([
    ['nobody', {}, [], { near: 0, far: 0 }],
    ['only others of the zone', {}, near(9), { near: 9, far: 0 }],
    ['who does not cross gets nobody of another zone', {}, [...near(1), ...far(9, origin)], { near: 1, far: 0 }],
    ['who crosses gets a few', { crosses: true }, [...near(4), ...far(9)], { near: 4, far: 4 }],
    ['of them not only origins', { crosses: true }, [...near(4), ...far(9, origin)], { near: 4, far: 2 }],
    ['a zone that has the blob needs no other', { crosses: true }, [...near(1, done), ...far(9)], { near: 1, far: 0 }],
    ['also when only its origin has it', { crosses: true }, [...near(1, origin), ...far(9)], { near: 1, far: 0 }],
    ['a zone with nobody else always gets a way', {}, far(9), { near: 0, far: 4 }],
    ['no zone is a zone, too', { zone: undefined }, [...candidates(2), ...far(9)], { near: 2, far: 0 }],
    ['who has the blob is named nobody who has it', { ...done, crosses: true }, far(3, done), { near: 0, far: 0 }],
  ])('%s', (_name, from, given, expected) => {
    for (let seed = 0; seed < 20; seed += 1) expect(named(from, given, seed)).toMatchObject(expected)
  })

  test('those of other zones stand in front, because nobody of the zone has the blob', () => {
    expect(named({ crosses: true }, [...near(9), ...far(9)], 1).places).toEqual([0, 1, 2, 3])
  })

  test('of other zones those come first that take nothing back', () => {
    const given = [...near(3), ...far(9, { have: 0.9 }), ...far(1, done), ...far(1, origin)]
    const list = order(asker({ ...here, crosses: true }), given, seededRandom(2))
    expect(list.slice(0, 3).map(({ role, complete }) => [role, complete])).toEqual([
      ['origin', true],
      ['agent', true],
      ['agent', false],
    ])
  })

  test('the asker is never named, neither by its id nor by its address from an earlier start', () => {
    const [self, other] = near(2) as [Candidate, Candidate]
    const earlier = { ...self, peerId: other.peerId }
    expect(order({ ...self, ...here }, [self, earlier], seededRandom(1))).toEqual([])
  })
})

describe('topology', () => {
  test('names those of the machine, then of the rack, then of the zone, but for a share at random', () => {
    const given = [
      ...near(10),
      ...near(10, { labels: { rack: 'r1', host: 'h2' } }),
      ...near(10, { labels: { rack: 'r1', host: 'h1' } }),
      ...near(10, { labels: { rack: 'r2', host: 'h3' } }),
    ]
    let inPlace = 0
    for (let seed = 0; seed < 50; seed += 1) {
      const list = topology(asker(here), given, seededRandom(seed))
      inPlace += list.slice(0, 10).filter(({ labels }) => labels?.['host'] === 'h1').length
      inPlace += list.slice(10, 20).filter(({ labels }) => labels?.['host'] === 'h2').length
    }
    expect(inPlace / (50 * 20)).toBeGreaterThan(0.65)
    expect(inPlace / (50 * 20)).toBeLessThan(0.97)
  })

  test('an equal label in another zone is nothing near', () => {
    const given = [...near(1), ...far(1, { labels: { rack: 'r1', host: 'h1' } })]
    expect(topology(asker(here), given, seededRandom(1)).map(({ zone }) => zone)).toEqual(['a'])
  })

  test('origins of the zone lead until two agents have the whole blob, even before those of the rack', () => {
    const rack = near(5, { labels: { rack: 'r1' } })
    const first = topology(asker(here), [...rack, ...near(1, origin)], seededRandom(1))
    expect(first[0]?.role).toBe('origin')
    const later = topology(asker(here), [...rack, ...near(1, origin), ...near(2, done)], seededRandom(1))
    expect(later.at(-1)?.role).toBe('origin')
  })
})
