import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { beforeEach, describe, expect, test } from '@jest/globals'
import { type Backend, type ObjectStoreInit, objectStoreBackend } from '../../../../lib/backend/index.ts'
import { partPlan } from '../../../../lib/backend/object-store/part-plan.ts'
import { appError, deferred, systemClock } from '../../../../lib/base/index.ts'
import { recordingLogger } from '../../../../lib/telemetry/index.ts'
import { cipherBytes } from '../../../kit/cipher-bytes.ts'
import { type MemoryObjects, memoryObjects } from '../../../kit/memory-objects.ts'
import { type PlainGovernor, plainGovernor } from '../../../kit/plain-governor.ts'

const PART = 64 * 1024
const PARALLEL = 3
const bytes = cipherBytes('object', 10 * PART + 1234)
const broken = appError('BACKEND_UNAVAILABLE', { message: 'reset' })
const logger = recordingLogger()
const pace = () => Promise.resolve()

let memory: MemoryObjects
let governor: PlainGovernor
let backend: Backend

beforeEach(() => {
  memory = memoryObjects()
  governor = plainGovernor()
  backend = opened()
})

function opened(init: Partial<ObjectStoreInit> = {}): Backend {
  const lifecycle = { start: () => Promise.resolve(), stop: () => Promise.resolve() }
  const components = { ...memory, ...lifecycle, governor, logger, clock: systemClock() }
  return objectStoreBackend(components, {
    partBytes: PART,
    parallel: PARALLEL,
    atomicConditions: true,
    atomicDeletes: true,
    ...init,
  })
}

/** The bytes in chunks whose size fits no part; `taken` counts the bytes that were read. */
function streamed(chunkBytes = 10_007): Readable & { taken: number } {
  let at = 0
  const stream = new Readable({
    highWaterMark: 1,
    read() {
      const chunk = bytes.subarray(at, at + chunkBytes)
      at += chunk.length
      stream.taken = at
      stream.push(chunk.length === 0 ? null : Buffer.from(chunk))
    },
  }) as Readable & { taken: number }
  stream.taken = 0
  return stream
}

const write = (source: Readable | Uint8Array = streamed(), options = {}) =>
  backend.write('k', source, { size: bytes.length, ...options })
const stored = async () => {
  const found = await backend.read('k')
  return found === undefined ? undefined : buffer(found.body)
}

async function settled(): Promise<void> {
  for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve))
}

describe('parts of an upload', () => {
  test.each([
    [7, 1],
    [10_007, 2],
    [PART, 3],
    [3 * PART + 5, 3],
  ])('are the source in order, from chunks of %i bytes and %i at a time', async (chunkBytes, parallel) => {
    backend = opened({ parallel })
    await write(streamed(chunkBytes))
    expect((await stored())?.equals(bytes)).toBe(true)
    expect(memory.parts.map(({ size }) => size).sort((a, b) => b - a)).toEqual([...Array<number>(10).fill(PART), 1234])
  })

  test('from memory are the same', async () => {
    await write(bytes)
    expect((await stored())?.equals(bytes)).toBe(true)
  })

  test('are none for what fits into one request', async () => {
    await backend.write('k', bytes.subarray(0, PART), { size: PART })
    expect(governor.requests).toMatchObject({ write: 1, stat: 0 })
    expect(memory.parts).toEqual([])
  })

  test('wait for each other: a source is read no further than the window', async () => {
    const gate = deferred()
    memory.before = async (request) => (request === 'part' ? gate.promise : undefined)
    const source = streamed()
    const writing = write(source)
    await settled()
    expect(source.taken).toBeGreaterThanOrEqual(PARALLEL * PART)
    expect(source.taken).toBeLessThanOrEqual(PARALLEL * PART + 2 * 10_007)
    gate.resolve()
    await writing
    expect((await stored())?.equals(bytes)).toBe(true)
  })

  test('that fail are sent again', async () => {
    let failures = 0
    memory.before = (request, number) => {
      if (request !== 'part' || number !== 4 || failures === 2) return
      failures += 1
      throw broken
    }
    await write()
    expect(failures).toBe(2)
    expect((await stored())?.equals(bytes)).toBe(true)
  })
})

describe('an upload that fails is aborted', () => {
  const nothingLeft = async () => {
    expect(memory.uploads()).toEqual([])
    expect(await stored()).toBeUndefined()
  }

  test('when a part cannot be sent: the source is not read on, and no part is under way any more', async () => {
    let running = 0
    memory.before = async (request, number) => {
      if (request === 'abort') expect(running).toBe(0)
      if (request !== 'part') return
      if (number === 2) throw appError('BACKEND_DENIED')
      running += 1
      await settled()
      running -= 1
    }
    const source = streamed()
    await expect(write(source)).rejects.toMatchObject({ code: 'BACKEND_DENIED' })
    expect(source.destroyed).toBe(true)
    expect(source.taken).toBeLessThan(bytes.length)
    await nothingLeft()
  })

  test('when a part fails while the source gives nothing', async () => {
    memory.before = async (request) => {
      if (request !== 'part') return
      await settled()
      throw appError('BACKEND_DENIED')
    }
    const source = new Readable({ read: () => undefined })
    source.push(bytes.subarray(0, PART))
    await expect(write(source)).rejects.toMatchObject({ code: 'BACKEND_DENIED' })
    expect(source.destroyed).toBe(true)
    await nothingLeft()
  })

  test('when the source fails: its failure is what the caller sees', async () => {
    const source = streamed()
    memory.before = async (request, number) => {
      if (request === 'part' && number === 2) source.destroy(appError('PEER_CLOSED'))
      await settled()
    }
    await expect(write(source)).rejects.toMatchObject({ code: 'PEER_CLOSED' })
    await nothingLeft()
  })

  test.each(['create', 'part', 'complete'] as const)('when the caller gives up during %s', async (step) => {
    const controller = new AbortController()
    memory.before = (request) => {
      if (request === step) controller.abort()
    }
    await expect(write(streamed(), { signal: controller.signal })).rejects.toMatchObject({ code: 'ABORTED' })
    expect(memory.uploads()).toEqual([])
  })

  test('when the caller gives up during create, and the source never gives a byte', async () => {
    const controller = new AbortController()
    memory.before = (request) => {
      if (request === 'create') controller.abort()
    }
    const source = new Readable({ read: () => undefined })
    await expect(write(source, { signal: controller.signal })).rejects.toMatchObject({ code: 'ABORTED' })
    expect(source.destroyed).toBe(true)
    expect(memory.uploads()).toEqual([])
  })

  test('when the condition does not hold at the end', async () => {
    memory.before = (request) => {
      if (request !== 'complete') return
      memory.before = () => undefined
      return memory.objects.put('k', Buffer.from('other'), { pace }).then(() => undefined)
    }
    await expect(write(streamed(), { ifAbsent: true })).rejects.toMatchObject({ code: 'BACKEND_PRECONDITION_FAILED' })
    expect(memory.uploads()).toEqual([])
    expect((await stored())?.toString()).toBe('other')
  })

  test('and what cannot be aborted is logged, without hiding the failure', async () => {
    memory.before = (request) => {
      if (request === 'complete') throw appError('BACKEND_DENIED')
      if (request === 'abort') throw broken
    }
    await expect(write()).rejects.toMatchObject({ code: 'BACKEND_DENIED' })
    expect(logger.lines.map(({ message }) => message)).toContainEqual(expect.stringContaining('failed to abort'))
  })
})

describe('conditions', () => {
  test('are looked at before a long upload begins', async () => {
    await write()
    const sent = memory.parts.length
    const late = streamed()
    await expect(write(late, { ifAbsent: true })).rejects.toMatchObject({ code: 'BACKEND_PRECONDITION_FAILED' })
    expect(late.taken).toBe(0)
    expect(memory.parts).toHaveLength(sent)
  })

  test('are looked at beforehand where the backend does not know them', async () => {
    memory.objects.put = withoutConditions(memory.objects)
    backend = opened({ atomicConditions: false, atomicDeletes: false })
    const small = { size: 1 }
    const { etag } = await backend.write('s', Buffer.from('1'), { ...small, ifAbsent: true })
    const refused = { code: 'BACKEND_PRECONDITION_FAILED' }
    await expect(backend.write('s', Buffer.from('2'), { ...small, ifAbsent: true })).rejects.toMatchObject(refused)
    await expect(backend.write('s', Buffer.from('2'), { ...small, ifMatch: 'other' })).rejects.toMatchObject(refused)
    await backend.write('s', Buffer.from('2'), { ...small, ifMatch: etag })
  })
})

describe('an answer that was lost', () => {
  test('to a completion is found again: the upload is gone because it is complete', async () => {
    let lost = false
    memory.after = (request) => {
      if (request !== 'complete' || lost) return
      lost = true
      throw broken
    }
    expect(await write()).toMatchObject({ size: bytes.length })
    expect(lost).toBe(true)
    expect((await stored())?.equals(bytes)).toBe(true)
  })

  test('to a conditional write ends as refused, never as written twice', async () => {
    memory.after = () => {
      memory.after = () => undefined
      throw broken
    }
    const writing = backend.write('k', Buffer.from('x'), { size: 1, ifAbsent: true })
    await expect(writing).rejects.toMatchObject({ code: 'BACKEND_PRECONDITION_FAILED' })
  })
})

describe('part sizes', () => {
  const MIB = 1024 * 1024
  const GIB = 1024 * MIB

  test.each([
    [1, 8 * MIB, 4],
    [10_000 * 8 * MIB, 8 * MIB, 4],
    [10_000 * 8 * MIB + 1, 9 * MIB, 3],
    [200 * GIB, 21 * MIB, 1],
    [5 * 1024 * GIB, 525 * MIB, 1],
  ])('an object of %i bytes goes in parts of %i, %i at a time', (size, partBytes, parallel) => {
    const plan = partPlan(size, { partBytes: 8 * MIB, parallel: 4 })
    expect(plan).toEqual({ partBytes, parallel })
    expect(Math.ceil(size / plan.partBytes)).toBeLessThanOrEqual(10_000)
  })
})

function withoutConditions({ put }: { put: MemoryObjects['objects']['put'] }): MemoryObjects['objects']['put'] {
  return (key, content, { signal }) => put(key, content, signal === undefined ? { pace } : { pace, signal })
}
