import { expect, test } from '@jest/globals'
import { appError, codeOf, fakeClock } from '../../../../lib/base/index.ts'
import { digestOf, parseRepository } from '../../../../lib/core/index.ts'
import { refusals } from '../../../../lib/swarm/engine/refusals.ts'
import { swarmLimits } from '../../../../lib/swarm/index.ts'

const blob = { digest: digestOf(Buffer.from('a')), repository: parseRepository('one') }

function setUp() {
  const clock = fakeClock()
  const list = refusals(clock, swarmLimits)
  const verdict = (of = blob) => {
    try {
      list.check(of)
      return 'free'
    } catch (err) {
      return codeOf(err)
    }
  }
  return { clock, list, verdict }
}

test('an unknown blob is remembered for a second, in its repository only', async () => {
  const { clock, list, verdict } = setUp()
  list.failed(blob, appError('BLOB_UNKNOWN'))
  expect(verdict()).toBe('BLOB_UNKNOWN')
  expect(verdict({ ...blob, repository: parseRepository('two') })).toBe('free')
  await clock.advance(1_000)
  expect(verdict()).toBe('free')
})

test('a wrong blob is refused for a minute, then for two, in its repository only', async () => {
  const { clock, list, verdict } = setUp()
  list.failed(blob, appError('METAINFO_FAILED'))
  expect(verdict({ ...blob, repository: parseRepository('two') })).toBe('free')
  expect(verdict()).toBe('DIGEST_REFUSED')
  await clock.advance(59_999)
  expect(verdict()).toBe('DIGEST_REFUSED')
  await clock.advance(1)
  expect(verdict()).toBe('free')
  list.failed(blob, appError('METAINFO_FAILED'))
  await clock.advance(119_999)
  expect(verdict()).toBe('DIGEST_REFUSED')
  await clock.advance(1)
  expect(verdict()).toBe('free')
})

test.each(['METAINFO_DOUBTED', 'METAINFO_CONFLICT'] as const)(
  'after %s the origins are asked, under any name',
  (code) => {
    const { list, verdict } = setUp()
    list.failed(blob, appError(code))
    expect([list.doubts(blob.digest), verdict()]).toEqual([true, 'free'])
  },
)

test('what says nothing of the blob refuses nothing', () => {
  const { list, verdict } = setUp()
  list.failed(blob, appError('SOURCES_EXHAUSTED'))
  expect([list.doubts(blob.digest), verdict()]).toEqual([false, 'free'])
})
