import { expect, test } from '@jest/globals'
import { fakeClock, refusedKeys } from '../../../lib/base/index.ts'

const init = { firstMs: 100, longestMs: 350, maxEntries: 2 }

test('a key is refused twice as long each time, up to the longest, and is remembered when it is free', async () => {
  const clock = fakeClock()
  const keys = refusedKeys(clock, init)
  expect([keys.leftMs('a'), keys.has('a')]).toEqual([0, false])
  const lasted: number[] = []
  for (let time = 0; time < 4; time += 1) {
    keys.add('a')
    lasted.push(keys.leftMs('a'))
    await clock.advance(keys.leftMs('a') - 1)
    expect(keys.leftMs('a')).toBe(1)
    await clock.advance(1)
    expect([keys.leftMs('a'), keys.has('a')]).toEqual([0, true])
  }
  expect(lasted).toEqual([100, 200, 350, 350])
})

test('a key that is cleared is free at once, and its next time is a first time', () => {
  const keys = refusedKeys(fakeClock(), init)
  keys.add('a')
  keys.add('a')
  keys.clear('a')
  expect([keys.leftMs('a'), keys.has('a')]).toEqual([0, false])
  keys.add('a')
  expect(keys.leftMs('a')).toBe(100)
})

test('of too many keys the one that was refused longest ago is forgotten', () => {
  const keys = refusedKeys(fakeClock(), init)
  for (const key of ['a', 'b', 'a', 'c']) keys.add(key)
  expect(['a', 'b', 'c'].map((key) => keys.leftMs(key))).toEqual([200, 0, 100])
})
