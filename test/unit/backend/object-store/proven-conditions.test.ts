import { beforeEach, describe, expect, test } from '@jest/globals'
import { type ConditionalApi, type ObjectCondition, provenConditions } from '../../../../lib/backend/index.ts'
import { appError, type FakeClock, fakeClock, seededRandom } from '../../../../lib/base/index.ts'
import { memoryObjects } from '../../../kit/memory-objects.ts'

const unpaced = { pace: () => Promise.resolve() }
const SMALL = Buffer.from('small')
const ETAG = { ifMatch: 'v1' }
const ignoring = { code: 'BACKEND_CONDITIONS_IGNORED' }

describe('conditional requests', () => {
  let memory: ReturnType<typeof memoryObjects>
  let proven: ConditionalApi
  /** Kinds of requests whose condition the backend ignores. */
  let ignored: Set<keyof typeof work>
  let asked: string[]
  let clock: FakeClock

  const work = {
    put: (condition: ObjectCondition, key = 'a/k') => proven.objects.put(key, SMALL, { ...condition, ...unpaced }),
    delete: (condition: ObjectCondition, key = 'a/k') => proven.objects.delete(key, condition),
    async complete(condition: ObjectCondition, key = 'a/k') {
      const uploadId = await proven.multipart.create(key, {})
      const part = await proven.multipart.part(key, SMALL, { uploadId, number: 1, ...unpaced })
      return proven.multipart.complete(key, [part], { uploadId, size: SMALL.length, ...condition })
    },
  }

  beforeEach(() => {
    memory = memoryObjects()
    clock = fakeClock()
    ignored = new Set()
    asked = []
    const { objects, multipart } = memory
    const seen = <C extends ObjectCondition>(
      kind: keyof typeof work,
      key: string,
      { ifAbsent, ifMatch, ...rest }: C,
    ) => {
      if (ifAbsent !== undefined || ifMatch !== undefined)
        asked.push(`${kind} ${key.replace(/[0-9a-f]{12}-[0-9a-f]{8}$/, '*')}`)
      return ignored.has(kind)
        ? rest
        : { ...rest, ...(ifAbsent === undefined ? {} : { ifAbsent }), ...(ifMatch === undefined ? {} : { ifMatch }) }
    }
    const store: ConditionalApi = {
      objects: {
        ...objects,
        put: (key, bytes, options) => objects.put(key, bytes, seen('put', key, options)),
        delete: (key, options) => objects.delete(key, seen('delete', key, options)),
      },
      multipart: {
        ...multipart,
        complete: (key, parts, { uploadId, ...options }) =>
          multipart.complete(key, parts, { uploadId, ...seen('complete', key, options) }),
      },
    }
    proven = provenConditions({ ...store, clock, random: seededRandom(3) })
  })

  const keys = async () => (await memory.objects.list('', { limit: 1000 })).keys

  test.each(['put', 'complete', 'delete'] as const)('an unconditional %s costs no proof', async (kind) => {
    ignored.add(kind)
    await work[kind]({})
    expect(asked).toEqual([])
  })

  test.each([
    ['put', { ifAbsent: true }],
    ['put', ETAG],
    ['complete', { ifAbsent: true }],
    ['complete', ETAG],
    ['delete', ETAG],
  ] as const)('a %s with %j is refused by a driver whose backend ignores the condition', async (kind, condition) => {
    ignored.add(kind)
    await expect(work[kind](condition)).rejects.toMatchObject({
      code: 'BACKEND_CONDITIONS_IGNORED',
      detail: { request: kind },
    })
    expect(asked).not.toContain(`${kind} a/k`)
    expect(await keys()).toEqual([])
  })

  test.each(['put', 'complete', 'delete'] as const)(
    'the first %s proves it for all, beside its key, and leaves nothing',
    async (kind) => {
      await memory.objects.put('a/k', SMALL, unpaced)
      const { etag } = (await memory.objects.head('a/k', {})) ?? {}
      const condition = { ifMatch: etag ?? '' }
      await work[kind](condition)
      const proofs = asked.filter((request) => request === `${kind} a/.shoal-proof-*`)
      expect(proofs.length).toBeGreaterThan(0)
      expect(asked.at(-1)).toBe(`${kind} a/k`)
      await work[kind]({ ifMatch: 'v0' }, 'a/absent').catch(() => undefined)
      expect(asked.filter((request) => request.includes('proof'))).toEqual(proofs)
      expect(await keys()).toEqual(kind === 'delete' ? [] : ['a/k'])
      expect(memory.uploads()).toEqual(kind === 'complete' ? [expect.anything()] : [])
    },
  )

  test('requests that come together share one proof', async () => {
    const outcomes = await Promise.allSettled(Array.from({ length: 5 }, () => work.put({ ifAbsent: true })))
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    expect(asked.filter((request) => request.includes('proof'))).toHaveLength(1)
  })

  test('each condition is proven for itself: one that is ignored does not stop the other', async () => {
    await work.put({ ifAbsent: true })
    ignored.add('put')
    await expect(work.put({ ifMatch: 'v0' })).rejects.toMatchObject(ignoring)
    ignored.clear()
    expect(asked.filter((request) => request.includes('proof'))).toHaveLength(2)
  })

  test('an outage during the proof proves nothing; the next request tries again', async () => {
    memory.before = () => {
      throw appError('BACKEND_UNAVAILABLE')
    }
    await expect(work.put({ ifAbsent: true })).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' })
    memory.before = () => undefined
    ignored.add('put')
    await expect(work.put({ ifAbsent: true })).rejects.toMatchObject(ignoring)
    ignored.clear()
    expect(await work.put({ ifAbsent: true })).toMatchObject({ size: 5 })
  })

  test('what a proof left behind is not listed', async () => {
    await memory.objects.put('a/.shoal-proof-0123456789abcdef', SMALL, unpaced)
    await memory.objects.put('a/k', SMALL, unpaced)
    expect(await proven.objects.list('a/', { limit: 10 })).toEqual({ keys: ['a/k'], next: undefined })
  })

  test('what a crash has left of a proof is removed by whoever lists it later, and nothing else is', async () => {
    // The process is killed between the proof and the removal of its object.
    await expect(
      provenConditions({
        ...memory,
        objects: { ...memory.objects, delete: () => Promise.reject(new Error('killed')) },
        clock,
        random: seededRandom(4),
      }).objects.put('a/k', SMALL, { ifAbsent: true, ...unpaced }),
    ).resolves.toMatchObject({ size: 5 })
    await memory.objects.put('a/.shoal-proof-0123456789abcdef', SMALL, unpaced)
    const left = await keys()
    expect(left).toHaveLength(3)
    await clock.advance(599_000)
    await proven.objects.list('a/', { limit: 10 })
    expect(await keys()).toEqual(left)
    await clock.advance(1_000)
    expect(await proven.objects.list('a/', { limit: 10 })).toEqual({ keys: ['a/k'], next: undefined })
    expect(await keys()).toEqual(['a/.shoal-proof-0123456789abcdef', 'a/k'])
  })

  test('a key that leaves no room beside it is proven at the top', async () => {
    const long = `${'s/'.repeat(511)}ss`
    await work.put({ ifAbsent: true }, long)
    expect(asked[0]).toBe('put .shoal-proof-*')
  })
})
