import { describe, expect, test } from '@jest/globals'
import { seededRandom } from '../../../lib/base/index.ts'
import { digestOf, newPeerId, swarmIdOf } from '../../../lib/core/index.ts'
import { ownerByKey } from '../../../services/tracker/owner.ts'
import { trackerLab } from '../../kit/tracker-lab.ts'

const random = seededRandom(11)
const swarmId = swarmIdOf(digestOf(Buffer.from('a layer')))
const SECOND = 1000

/** An origin elsewhere, and in zone b one that claims to have the whole blob; `ask` is an announce of an agent there. */
function lab(policy: 'adaptive' | 'topology') {
  const made = trackerLab({ policy, minMs: 600 * SECOND, maxMs: 600 * SECOND })
  const peer = (host: string, zone: string) => ({
    ...{ peerId: newPeerId(random), key: ownerByKey(host), host, port: 6881, role: 'agent' as const, zone },
  })
  const origin = { ...peer('10.0.0.1', 'a'), role: 'origin' as const, complete: true }
  const liar = { ...peer('10.0.0.2', 'b'), complete: true }
  for (const entry of [origin, liar]) made.registry.announce(swarmId, entry, 6000 * SECOND, 0)
  const askers = Array.from({ length: 5 }, (_, i) => ({ ...peer(`10.0.1.${i}`, 'b'), complete: false }))
  const ask = (at: number, leftBytes: number) => {
    const answer = made.announcements.one({ swarmId, event: 'interval', entry: askers[at]!, wantPeers: 50, leftBytes })
    return answer?.peers.some(({ peerId }) => peerId === origin.peerId)
  }
  return { clock: made.clock, ask }
}

describe.each(['adaptive', 'topology'] as const)('a zone whose whole copy gives nothing: %s', (policy) => {
  test('fetches from elsewhere when several of it get nothing', async () => {
    const { clock, ask } = lab(policy)
    expect([0, 1, 2].map((at) => ask(at, 100))).toEqual([false, false, false])
    await clock.advance(15 * SECOND)
    expect([0, 1].map((at) => ask(at, 100))).toEqual([expect.any(Boolean), expect.any(Boolean)])
    expect([0, 1, 2].filter((at) => ask(at, 100))).toHaveLength(1)
  })

  test('fetches from elsewhere when the only one that asks gets nothing for long', async () => {
    const { clock, ask } = lab(policy)
    expect(ask(0, 100)).toBe(false)
    await clock.advance(59 * SECOND)
    expect(ask(0, 100)).toBe(false)
    await clock.advance(SECOND)
    expect(ask(0, 100)).toBe(true)
  })

  test('does not as long as most of it get on, whatever a few say', async () => {
    const { clock, ask } = lab(policy)
    for (let left = 100; left > 50; left -= 1) {
      await clock.advance(5 * SECOND)
      expect([0, 1, 2].map((at) => ask(at, left))).toEqual([false, false, false])
      if (left > 95) expect([3, 4].map((at) => ask(at, 100))).toEqual([false, false])
    }
  })
})
