import { expect, test } from '@jest/globals'
import { memoryBackend } from '../../../lib/backend/index.ts'
import { appError, fakeClock } from '../../../lib/base/index.ts'
import { digestOf, parseRepository, type Repository } from '../../../lib/core/index.ts'
import { refusals } from '../../../services/origin/bring/refusals.ts'
import { sourceKeys } from '../../../services/origin/bring/source-keys.ts'

const digest = digestOf(Buffer.from('a'))
const backendOf = (repository: Repository) => (repository.name.startsWith('evil/') ? theirs : ours)
const [ours, theirs] = [memoryBackend(), memoryBackend()]
const keys = sourceKeys({ backendFor: backendOf })
const blob = { digest, repository: parseRepository('team/x') }
const refused = (retryAfterMs: number) =>
  expect.objectContaining({ code: 'DIGEST_REFUSED', detail: { digest, retryAfterMs } })

test('a wrong digest is refused for a minute, then for two, until its content is found right', async () => {
  const clock = fakeClock()
  const list = refusals(clock, keys)
  list.add(blob)
  expect(() => list.check(blob)).toThrow(refused(60_000))
  await clock.advance(60_000)
  list.check(blob)
  expect(list.has(blob)).toBe(true)
  list.add(blob)
  expect(() => list.check(blob)).toThrow(refused(120_000))
  list.clear(blob)
  list.check(blob)
  expect(list.has(blob)).toBe(false)
})

test('a jump of the wall clock frees nothing and prolongs nothing', async () => {
  const clock = fakeClock()
  let jumpMs = 0
  const list = refusals({ ...clock, now: () => clock.now() + jumpMs }, keys)
  list.add(blob)
  jumpMs = 24 * 60 * 60_000
  expect(() => list.check(blob)).toThrow(refused(60_000))
  jumpMs = -jumpMs
  await clock.advance(60_000)
  list.check(blob)
})

test('what is wrong in one backend is refused to all its repositories, and to no other', () => {
  const list = refusals(fakeClock(), keys)
  list.add({ digest, repository: parseRepository('evil/x') })
  expect(() => list.check({ digest, repository: parseRepository('evil/y') })).toThrow(refused(60_000))
  list.check(blob)
  expect([list.hasIn(theirs, digest), list.hasIn(ours, digest)]).toEqual([true, false])
})

test('without a backend, a repository has only itself', () => {
  const none = sourceKeys({
    backendFor: () => {
      throw appError('NO_BACKEND_RULE')
    },
  })
  expect(none.of(blob)).not.toBe(none.of({ digest, repository: parseRepository('team/y') }))
})
