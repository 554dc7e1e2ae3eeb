import { describe, expect, test } from '@jest/globals'
import { seededRandom } from '../../../lib/base/index.ts'
import { newPeerId, type PeerInfo } from '../../../lib/core/index.ts'
import { completeness } from '../../../services/tracker/policy/completeness.ts'

const ids = seededRandom(1)
let hosts = 0

function peers(count: number, kind: Pick<PeerInfo, 'role' | 'complete'>): PeerInfo[] {
  return Array.from({ length: count }, () => {
    hosts += 1
    return { peerId: newPeerId(ids), host: `10.0.${hosts >> 8}.${hosts & 255}`, port: 6881, ...kind }
  })
}

const seeds = (count: number) => peers(count, { role: 'agent', complete: true })
const leeches = (count: number) => peers(count, { role: 'agent', complete: false })
const origins = (count: number) => peers(count, { role: 'origin', complete: true })
const [asker] = leeches(1) as [PeerInfo]

/** The kinds of peers in order: O origin, C complete agent, I incomplete agent. */
const kinds = (list: readonly PeerInfo[]) =>
  list.map(({ role, complete }) => (role === 'origin' ? 'O' : complete ? 'C' : 'I')).join('')

describe('completeness', () => {
  test.each<readonly [string, PeerInfo[], RegExp]>([
    ['nobody', [], /^$/],
    ['only origins', origins(5), /^O{5}$/],
    ['no complete agent: up to three origins lead', [...leeches(4), ...origins(5)], /^OOOI{4}OO$/],
    ['one complete agent: origins still lead', [...seeds(1), ...leeches(4), ...origins(2)], /^OO[CI]{5}$/],
    ['two complete agents: origins last', [...origins(3), ...seeds(2), ...leeches(2)], /^[CI]{4}OOO$/],
    ['a few origins are not more than there are', [...origins(1), ...leeches(2)], /^OII$/],
  ])('%s', (_name, candidates, expected) => {
    for (let seed = 0; seed < 20; seed += 1) {
      const order = completeness(asker, candidates, seededRandom(seed))
      expect(kinds(order)).toMatch(expected)
      expect(new Set(order).size).toBe(candidates.length)
    }
  })

  test('agents with the whole blob mostly come before the others', () => {
    const candidates = [...leeches(30), ...seeds(30)]
    let completeInFront = 0
    for (let seed = 0; seed < 50; seed += 1) {
      const front = completeness(asker, candidates, seededRandom(seed)).slice(0, 20)
      completeInFront += front.filter(({ complete }) => complete).length
    }
    expect(completeInFront / (50 * 20)).toBeGreaterThan(0.8)
    expect(completeInFront / (50 * 20)).toBeLessThan(0.97)
  })

  test('two askers are not told the same ones in the same order', () => {
    const candidates = leeches(30)
    const one = completeness(asker, candidates, seededRandom(1))
    const other = completeness(asker, candidates, seededRandom(2))
    expect(other).not.toEqual(one)
  })

  test('the asker is never named, neither by its id nor by its address from an earlier start', () => {
    const earlier = { ...asker, peerId: newPeerId(ids) }
    const moved = { ...asker, host: '10.9.9.9' }
    const [other] = leeches(1) as [PeerInfo]
    expect(completeness(asker, [asker, earlier, moved, other], seededRandom(1))).toEqual([other])
  })

  test('an asker with the whole blob gets only agents without it', () => {
    const done = { ...asker, complete: true }
    const order = completeness(done, [...seeds(3), ...leeches(2), ...origins(2)], seededRandom(1))
    expect(kinds(order)).toBe('II')
  })
})
