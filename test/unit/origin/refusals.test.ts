import { expect, test } from '@jest/globals'
import { fakeClock } from '../../../lib/base/index.ts'
import { digestOf } from '../../../lib/core/index.ts'
import { refusals } from '../../../services/origin/bring/refusals.ts'

const digest = digestOf(Buffer.from('a'))
const refused = (retryAfterMs: number) =>
  expect.objectContaining({ code: 'DIGEST_REFUSED', detail: { digest, retryAfterMs } })

test('a wrong digest is refused for a minute, then for two, until its content is found right', async () => {
  const clock = fakeClock()
  const list = refusals(clock)
  list.add(digest)
  expect(() => list.check(digest)).toThrow(refused(60_000))
  await clock.advance(60_000)
  list.check(digest)
  expect(list.has(digest)).toBe(true)
  list.add(digest)
  expect(() => list.check(digest)).toThrow(refused(120_000))
  list.clear(digest)
  list.check(digest)
  expect(list.has(digest)).toBe(false)
})

test('a jump of the wall clock frees nothing and prolongs nothing', async () => {
  const clock = fakeClock()
  let jumpMs = 0
  const list = refusals({ ...clock, now: () => clock.now() + jumpMs })
  list.add(digest)
  jumpMs = 24 * 60 * 60_000
  expect(() => list.check(digest)).toThrow(refused(60_000))
  jumpMs = -jumpMs
  await clock.advance(60_000)
  list.check(digest)
})
