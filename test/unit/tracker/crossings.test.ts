import { expect, test } from '@jest/globals'
import { fakeClock, seededRandom } from '../../../lib/base/index.ts'
import { newPeerId, type SwarmId } from '../../../lib/core/index.ts'
import { crossings } from '../../../services/tracker/crossings.ts'

const random = seededRandom(3)
const swarmId = '1'.repeat(40) as SwarmId

test('one peer of a zone crosses as long as it is here and makes progress', async () => {
  const clock = fakeClock()
  const ways = crossings(clock, { maxCrossings: 9 })
  const [first, second] = [newPeerId(random), newPeerId(random)].map((peerId) => ({ swarmId, zone: 'a', peerId }))
  const isHere = () => true
  ways.taken(first!, 1000)
  expect([ways.open(first!, isHere), ways.open(second!, isHere)]).toEqual([true, false])
  expect(ways.open(second!, () => false)).toBe(true)
  await clock.advance(59_000)
  ways.taken(first!, 900)
  await clock.advance(59_000)
  ways.taken(first!, 900)
  expect(ways.open(second!, isHere)).toBe(false)
  await clock.advance(1_000)
  expect(ways.open(second!, isHere)).toBe(true)
  ways.taken(second!)
  expect(ways.open(first!, isHere)).toBe(false)
})

test('who knows few peers elsewhere asks again soon, and ever later while it hears of nobody new', () => {
  const ways = crossings(fakeClock(), { maxCrossings: 9 })
  const crossing = { swarmId, zone: 'a', peerId: newPeerId(random) }
  const [one, two] = [newPeerId(random), newPeerId(random)]
  const waits = [[one], [one], [one], [one, two], [two], [one]].map((far) => ways.again(crossing, far))
  expect(waits).toEqual([1000, 2000, 4000, 1000, 2000, 4000])
  expect(ways.again({ ...crossing, peerId: newPeerId(random) }, [one])).toBe(1000)
})
