import { beforeEach, describe, expect, test } from '@jest/globals'
import { type Backend, memoryBackend } from '../../../lib/backend/index.ts'
import { appError, type FakeClock, fakeClock, seededRandom } from '../../../lib/base/index.ts'
import { digestOf } from '../../../lib/core/index.ts'
import { blobKey } from '../../../services/origin/blob-keys.ts'
import { type Condemned, condemnedBlobs } from '../../../services/origin/garbage/condemned.ts'

const digests = ['one', 'two', 'three'].map((text) => digestOf(Buffer.from(text)))
const [one, two] = digests as [(typeof digests)[0], (typeof digests)[0]]
const graceMs = 3_600_000

let clock: FakeClock
let inner: Backend
let calls: { reads: number; lists: number }
let list: Backend['list']
let here: Condemned
let there: Condemned
let backend: Backend

beforeEach(() => {
  clock = fakeClock()
  inner = memoryBackend()
  calls = { reads: 0, lists: 0 }
  list = (...args) => inner.list(...args)
  backend = {
    ...inner,
    read: (...args) => {
      calls.reads += 1
      return inner.read(...args)
    },
    list: (...args) => {
      calls.lists += 1
      return list(...args)
    },
  }
  here = condemnedBlobs({ clock, random: seededRandom(1) })
  there = condemnedBlobs({ clock, random: seededRandom(2) })
})

describe('an origin whose backend has no sentence', () => {
  test('looks once a minute, and reads nothing for a blob', async () => {
    await Promise.all(digests.map((digest) => here.spare(backend, digest, {})))
    await here.spare(backend, one, {})
    expect(calls).toEqual({ reads: 0, lists: 1 })
    await clock.advance(60_001)
    await here.spare(backend, one, {})
    expect(calls).toEqual({ reads: 0, lists: 2 })
  })

  test('says of a blob that it was spared when the look began', async () => {
    await here.spare(backend, one, {})
    await clock.advance(59_000)
    const spared = await here.spare(backend, two, {})
    await clock.advance(300_000 - 59_000)
    expect(spared.isFresh()).toBe(true)
    await clock.advance(1)
    expect(spared.isFresh()).toBe(false)
  })

  test('takes sentences away as soon as it sees some, and at once its own', async () => {
    await here.spare(backend, one, {})
    await there.condemn(inner, one, {})
    await clock.advance(60_001)
    await here.spare(backend, one, {})
    expect(await inner.list('garbage/condemned/')).toMatchObject({ keys: [] })
    await here.condemn(backend, two, {})
    await here.spare(backend, two, {})
    expect(await inner.list('garbage/condemned/')).toMatchObject({ keys: [] })
  })

  test('may overlook a new sentence, which is carried out long after the link must be there', async () => {
    await inner.write(blobKey(one), Buffer.from('one'), { size: 3 })
    await here.spare(backend, two, {})
    await there.condemn(inner, one, {})
    await clock.advance(59_000)
    const spared = await here.spare(backend, one, {})
    while (spared.isFresh()) await clock.advance(60_000)
    const markedAtMs = clock.now()
    expect(await there.remove(inner, one, { markedAtMs, graceMs })).toEqual({ outcome: 'waiting' })
  })
})

test.each(['UNSUPPORTED', 'BACKEND_DENIED'] as const)(
  'where a list is answered %s, each blob is asked for',
  async (code) => {
    list = () => Promise.reject(appError(code))
    await there.condemn(inner, one, {})
    await here.spare(backend, one, {})
    await here.spare(backend, two, {})
    expect(calls).toEqual({ reads: 2, lists: 1 })
    expect(await inner.list('garbage/condemned/')).toMatchObject({ keys: [] })
  },
)

test('in an outage nothing is said to be spared', async () => {
  list = () => Promise.reject(appError('BACKEND_UNAVAILABLE'))
  await expect(here.spare(backend, one, {})).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' })
})
