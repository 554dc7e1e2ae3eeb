import { describe, expect, test } from '@jest/globals'
import { seededRandom } from '../../../lib/base/index.ts'
import { adaptive, score } from '../../../services/tracker/policy/adaptive.ts'
import type { Candidate } from '../../../services/tracker/policy/peer-order.ts'
import { asker, candidates } from '../../kit/candidates.ts'

const here = { zone: 'a', labels: { rack: 'r1' } }
const one = (given: Partial<Candidate> = {}) => candidates(1, { zone: 'a', ...given })[0] as Candidate

describe('the score of an agent', () => {
  test.each<readonly [string, Partial<Candidate>, Partial<Candidate>]>([
    ['has the whole blob', { complete: true }, { have: 0.9 }],
    ['has more of it', { have: 0.5 }, { have: 0.4 }],
    ['has something, beside one that says nothing', { have: 0.1 }, {}],
    ['could upload more', { spareBytesPerSecond: 100e6 }, { spareBytesPerSecond: 1e6 }],
    ['says nothing, beside one that could upload nothing', {}, { spareBytesPerSecond: 0 }],
    ['was seen to give more', { bytesPerSecond: 100e6 }, { bytesPerSecond: 1e6 }],
    ['is in the same rack', { labels: { rack: 'r1' } }, { labels: { rack: 'r2' } }],
    ['has never been out', {}, { onProbation: true }],
  ])('is higher when it %s', (_name, better, worse) => {
    const from = asker(here)
    expect(score(from, one(better))).toBeGreaterThan(score(from, one(worse)))
  })

  test('is never nothing: everybody is asked now and then', () => {
    expect(score(asker(here), one({ spareBytesPerSecond: 0, bytesPerSecond: 0, onProbation: true }))).toBeGreaterThan(0)
  })
})

describe('adaptive', () => {
  /** How often the first of `given` is among the first `places`. */
  const share = (given: readonly Candidate[], places: number) => {
    let times = 0
    for (let seed = 0; seed < 200; seed += 1) {
      const list = adaptive(asker(here), given, seededRandom(seed)).slice(0, places)
      if (list.some(({ peerId }) => peerId === given[0]?.peerId)) times += 1
    }
    return times / 200
  }

  test('mostly names the better one of two kinds, and the others, too', () => {
    const others = candidates(20, { zone: 'a', have: 0.5, bytesPerSecond: 1e6, spareBytesPerSecond: 0 })
    const strong = share([one({ have: 0.6, bytesPerSecond: 100e6 }), ...others], 3)
    expect(strong).toBeGreaterThan(0.3)
    expect(strong).toBeLessThan(0.8)
    expect(share(others, 3)).toBeGreaterThan(0.05)
  })

  test('leaves nobody of the zone out', () => {
    const given = candidates(40, { zone: 'a' })
    expect(new Set(adaptive(asker(here), given, seededRandom(3)))).toEqual(new Set(given))
  })

  test('origins of the zone lead while fewer than two agents have the whole blob', () => {
    const origins = candidates(4, { zone: 'a', role: 'origin', complete: true })
    const roles = adaptive(asker(here), [...candidates(5, { zone: 'a' }), ...origins], seededRandom(1)).map(
      ({ role }) => role,
    )
    expect(roles).toEqual(['origin', 'origin', 'origin', 'agent', 'agent', 'agent', 'agent', 'agent', 'origin'])
  })
})
