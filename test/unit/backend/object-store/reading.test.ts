import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { beforeEach, describe, expect, test } from '@jest/globals'
import { type Backend, type ObjectRead, objectStoreBackend } from '../../../../lib/backend/index.ts'
import { appError, systemClock } from '../../../../lib/base/index.ts'
import { silentLogger } from '../../../../lib/telemetry/index.ts'
import { cipherBytes } from '../../../kit/cipher-bytes.ts'
import { type MemoryObjects, memoryObjects } from '../../../kit/memory-objects.ts'
import { type PlainGovernor, plainGovernor } from '../../../kit/plain-governor.ts'

const PART = 64 * 1024
const PARALLEL = 3
const bytes = cipherBytes('object', 10 * PART + 1234)
const broken = appError('BACKEND_UNAVAILABLE', { message: 'reset' })

let memory: MemoryObjects
let governor: PlainGovernor
let backend: Backend

beforeEach(async () => {
  memory = memoryObjects()
  governor = plainGovernor()
  const lifecycle = { start: () => Promise.resolve(), stop: () => Promise.resolve() }
  backend = objectStoreBackend(
    { ...memory, ...lifecycle, governor, clock: systemClock(), logger: silentLogger() },
    { partBytes: PART, parallel: PARALLEL, atomicConditions: true, atomicDeletes: true },
  )
  await backend.write('k', bytes, { size: bytes.length })
})

async function open(options: Parameters<Backend['read']>[1] = {}): Promise<ObjectRead> {
  const found = await backend.read('k', options)
  return found ?? { size: 0, etag: '', body: Readable.from([]) }
}

/** Lets everything run that does not wait for the outside. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve))
}

const starts = () => memory.gets.map((range) => range?.start)

describe('parts', () => {
  test('come in order and each byte is taken once', async () => {
    const { body, size } = await open()
    expect(size).toBe(bytes.length)
    expect((await buffer(body)).equals(bytes)).toBe(true)
    expect(memory.gets).toHaveLength(11)
    expect(memory.given()).toBe(bytes.length)
  })

  test('of a range are those of the range alone', async () => {
    const range = { start: PART - 7, end: 4 * PART + 9 }
    const { body } = await open({ range })
    expect((await buffer(body)).equals(bytes.subarray(range.start, range.end))).toBe(true)
    expect(memory.given()).toBe(range.end - range.start)
  })

  test('of a range that was planned as one are one request, which is read on where it breaks', async () => {
    const lifecycle = { start: () => Promise.resolve(), stop: () => Promise.resolve() }
    const planned = objectStoreBackend(
      { ...memory, ...lifecycle, governor, clock: systemClock(), logger: silentLogger() },
      { partBytes: PART, parallel: PARALLEL, runBytes: 4 * PART, atomicConditions: true, atomicDeletes: true },
    )
    const range = { start: PART, end: 5 * PART }
    memory.failGets({ after: 100_000, err: broken })
    const found = await planned.read('k', { range })
    expect((await buffer(found!.body)).equals(bytes.subarray(range.start, range.end))).toBe(true)
    expect(memory.gets).toEqual([range, { start: PART + 100_000, end: 5 * PART }])
    const longer = await planned.read('k', { range: { start: 0, end: 5 * PART } })
    expect((await buffer(longer!.body)).length).toBe(5 * PART)
    expect(memory.gets).toHaveLength(2 + 5)
  })

  test('are one request where one is enough', async () => {
    await backend.write('small', bytes.subarray(0, PART), { size: PART })
    const requests = governor.requests.read + governor.requests.stat
    const found = await backend.read('small')
    expect((await buffer(found?.body ?? Readable.from([]))).length).toBe(PART)
    expect(governor.requests.read + governor.requests.stat).toBe(requests + 1)
  })

  test('are not fetched before somebody reads, and no more than the window for a reader who stops', async () => {
    const { body } = await open()
    await settled()
    expect(starts()).toEqual([0])
    const chunks = body[Symbol.asyncIterator]()
    await chunks.next()
    await settled()
    expect(starts()).toEqual([0, PART, 2 * PART])
    expect(memory.given()).toBe(PARALLEL * PART)
    await chunks.return?.()
    expect(body.destroyed).toBe(true)
    await settled()
    expect(starts()).toEqual([0, PART, 2 * PART])
  })

  test('of another version are never mixed in', async () => {
    const { body } = await open()
    await backend.write('k', Buffer.alloc(bytes.length, 7), { size: bytes.length })
    await expect(buffer(body)).rejects.toMatchObject({
      code: 'BACKEND_UNAVAILABLE',
      message: 'the object was replaced or removed while it was read',
    })
  })

  test('of an object that was removed are an error, not an end', async () => {
    const { body } = await open()
    await backend.delete('k')
    await expect(buffer(body)).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' })
  })
})

describe('a body that breaks off', () => {
  test('is asked for again from where it broke, and nothing twice', async () => {
    memory.failGets({ after: 20_000, err: broken }, { after: 1, err: broken }, undefined, {
      after: 100,
      err: broken,
    })
    const { body } = await open()
    expect((await buffer(body)).equals(bytes)).toBe(true)
    expect(memory.given()).toBe(bytes.length)
    expect(memory.gets).toHaveLength(11 + 3)
    expect(memory.gets).toContainEqual({ start: 20_000, end: PART })
  })

  test('that ends early without an error is no end', async () => {
    const objects = { ...memory.objects }
    const short = objectStoreBackend(
      {
        ...memory,
        objects: {
          ...objects,
          get: async (key, { range, ...options }) =>
            objects.get(key, {
              ...options,
              range: { start: range?.start ?? 0, end: Math.min(range?.end ?? 0, (range?.start ?? 0) + 40_000) },
            }),
        },
        start: () => Promise.resolve(),
        stop: () => Promise.resolve(),
        governor,
        clock: systemClock(),
        logger: silentLogger(),
      },
      { partBytes: PART, parallel: PARALLEL, atomicConditions: true, atomicDeletes: true },
    )
    const found = await short.read('k')
    expect((await buffer(found?.body ?? Readable.from([]))).equals(bytes)).toBe(true)
    expect(memory.given()).toBe(bytes.length)
  })

  test('before its first byte is a failed request, which the governor tries again', async () => {
    memory.failGets({ after: 0, err: broken }, { after: 0, err: broken })
    const { body } = await open()
    expect((await buffer(body)).equals(bytes)).toBe(true)
    memory.failGets(...Array.from({ length: 3 }, () => ({ after: 0, err: broken })))
    await expect(open()).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' })
  })

  test('again and again is given up, after the bytes that came before', async () => {
    const { body } = await open()
    memory.failGets(...Array.from({ length: 40 }, () => ({ after: 1, err: broken })))
    const taken: Uint8Array[] = []
    const reading = (async () => {
      for await (const chunk of body as AsyncIterable<Uint8Array>) taken.push(chunk)
    })()
    await expect(reading).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' })
    const got = Buffer.concat(taken)
    expect(got.length).toBeGreaterThanOrEqual(PART)
    expect(got.equals(bytes.subarray(0, got.length))).toBe(true)
  })

  test('and then an answer that cannot be repeated ends the read', async () => {
    memory.failGets({ after: 5, err: broken }, { err: appError('BACKEND_DENIED') })
    const { body } = await open({ range: { start: 0, end: PART } })
    await expect(buffer(body)).rejects.toMatchObject({ code: 'BACKEND_DENIED' })
  })
})

describe('an abort', () => {
  test('ends a read and every part of it', async () => {
    const controller = new AbortController()
    const { body } = await open({ signal: controller.signal })
    const chunks = body[Symbol.asyncIterator]()
    await chunks.next()
    controller.abort()
    await expect(buffer(body)).rejects.toMatchObject({ code: 'ABORTED' })
    const requests = memory.gets.length
    await settled()
    expect(memory.gets).toHaveLength(requests)
  })
})

test('an object that was replaced while it was opened, empty at first, is no empty object', async () => {
  await backend.write('k', Buffer.alloc(0), { size: 0 })
  memory.before = (request) => {
    if (request !== 'head') return
    memory.before = () => undefined
    return backend.write('k', bytes, { size: bytes.length }).then(() => undefined)
  }
  await expect(backend.read('k')).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' })
})
