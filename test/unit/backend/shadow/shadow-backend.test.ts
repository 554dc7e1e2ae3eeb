import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { setImmediate } from 'node:timers/promises'
import { beforeEach, describe, expect, test } from '@jest/globals'
import { type Backend, memoryBackend, openShadow } from '../../../../lib/backend/index.ts'
import { appError, seededRandom } from '../../../../lib/base/index.ts'
import { type RecordingMetrics, recordingMetrics, silentLogger } from '../../../../lib/telemetry/index.ts'
import { type FaultyBackend, faultyBackend } from '../../../kit/faulty-backend.ts'

const refused = { code: 'BACKEND_PRECONDITION_FAILED' }
const away = { code: 'BACKEND_UNAVAILABLE' }

let metrics: RecordingMetrics
let old: Backend
let young: Backend
let primary: FaultyBackend
let secondary: FaultyBackend

const put = (backend: Backend, key: string, value: string) =>
  backend.write(key, Buffer.from(value), { size: Buffer.byteLength(value) })
const get = async (backend: Backend, key: string) => {
  const found = await backend.read(key)
  return found && (await buffer(found.body)).toString()
}
const readsFrom = (from: string) => metrics.value('shoal_shadow_reads_total', { from })

function shadow(writes: 'both' | 'primary' = 'both'): Backend {
  const backends = { primary: primary.backend, secondary: secondary.backend }
  const backend = openShadow({ logger: silentLogger(), metrics, ...backends }, { writes, copyOnRead: false })
  if ('backendFor' in backend) throw new Error('plain backends make a plain backend')
  return backend
}

beforeEach(() => {
  metrics = recordingMetrics()
  young = memoryBackend()
  old = memoryBackend()
  primary = faultyBackend(young)
  secondary = faultyBackend(old)
})

describe('reading from a shadow backend', () => {
  test('gives what the primary has, else what the secondary has', async () => {
    await put(old, 'both', 'old')
    await put(young, 'both', 'new')
    await put(old, 'old', 'only')
    const backend = shadow()
    expect([await get(backend, 'both'), await get(backend, 'old'), await get(backend, 'none')]).toEqual([
      'new',
      'only',
      undefined,
    ])
    expect(['primary', 'secondary', 'absent', 'bridged'].map(readsFrom)).toEqual([1, 1, 1, 0])
  })

  test('goes on in an outage of the primary with what the secondary has; what it lacks is an outage', async () => {
    await put(old, 'k', 'value')
    primary.break()
    const backend = shadow()
    expect([await get(backend, 'k'), readsFrom('bridged')]).toEqual(['value', 1])
    expect(await backend.stat('k')).toMatchObject({ size: 5 })
    await expect(backend.stat('none')).rejects.toMatchObject(away)
  })

  test('does not bridge an outage of the primary when the secondary may be out of date', async () => {
    await put(old, 'k', 'value')
    primary.break()
    await expect(shadow('primary').read('k')).rejects.toMatchObject(away)
  })

  test('bridges an outage only: what the primary refuses is refused', async () => {
    await put(old, 'k', 'value')
    const stat = () => Promise.reject(appError('BACKEND_DENIED'))
    primary = faultyBackend({ ...young, stat })
    await expect(shadow().stat('k')).rejects.toMatchObject({ code: 'BACKEND_DENIED' })
  })

  test('lists no further than a page of either backend goes', async () => {
    for (const key of ['b', 'd']) await put(old, key, 'value')
    // The primary may have `c` too, but would list it only on its next page.
    primary = faultyBackend({ ...young, list: () => Promise.resolve({ keys: ['a'], next: 'a' }) })
    expect(await shadow().list('', { limit: 5 })).toEqual({ keys: ['a'], next: 'a' })
  })

  test('in an outage of the secondary gives what the primary has; what it lacks is an outage', async () => {
    await put(young, 'k', 'value')
    secondary.break()
    expect(await get(shadow(), 'k')).toBe('value')
    await expect(shadow().stat('none')).rejects.toMatchObject(away)
  })
})

describe('writing to a shadow backend', () => {
  const content = Buffer.from(seededRandom(9).bytes(300_000))
  const stream = () =>
    Readable.from(
      Array.from({ length: 30 }, (_, n) => content.subarray(n * 10_000, (n + 1) * 10_000)),
      { objectMode: false },
    )
  const bytesIn = async (backend: Backend) => {
    const found = await backend.read('k')
    return found && (await buffer(found.body)).equals(content)
  }

  test('to both brings the same bytes into both', async () => {
    await shadow().write('k', stream(), { size: content.length })
    expect([await bytesIn(young), await bytesIn(old)]).toEqual([true, true])
  })

  test('to the primary leaves the secondary alone', async () => {
    await shadow('primary').write('k', stream(), { size: content.length })
    expect([await bytesIn(young), await bytesIn(old)]).toEqual([true, undefined])
  })

  test.each([
    ['a stream', stream],
    ['memory', () => content],
  ])('never shows in the secondary what the primary refused, from %s', async (_name, source) => {
    await put(young, 'k', 'first')
    await put(old, 'k', 'first')
    const given = source()
    const backend = shadow()
    const stale = `${(await backend.stat('k'))!.etag}x`
    await expect(backend.write('k', given, { size: content.length, ifMatch: stale })).rejects.toMatchObject(refused)
    expect([await get(young, 'k'), await get(old, 'k')]).toEqual(['first', 'first'])
    if (!ArrayBuffer.isView(given)) expect(given.destroyed).toBe(true)
  })

  test('shows nothing in the secondary while the primary thinks about the last byte', async () => {
    const write: Backend['write'] = async (_key, body) => {
      await buffer(body as Readable)
      for (let turn = 0; turn < 20; turn += 1) await setImmediate()
      expect(await old.stat('k')).toBeUndefined()
      throw appError('BACKEND_PRECONDITION_FAILED')
    }
    primary = faultyBackend({ ...young, write })
    await expect(shadow().write('k', stream(), { size: content.length })).rejects.toMatchObject(refused)
    expect(await old.stat('k')).toBeUndefined()
  })

  test.each([
    ['a stream', stream],
    ['memory', () => content],
    ['an empty stream', () => Readable.from([], { objectMode: false })],
  ])('fails when the secondary fails, and succeeds when it is tried again, from %s', async (_name, source) => {
    const size = ArrayBuffer.isView(source()) || _name === 'a stream' ? content.length : 0
    const backend = shadow()
    secondary.break()
    await expect(backend.write('k', source(), { size })).rejects.toMatchObject(away)
    secondary.heal()
    await backend.write('k', source(), { size })
    expect([(await young.stat('k'))?.size, (await old.stat('k'))?.size]).toEqual([size, size])
  })

  test('a write that the primary has not taken is not in the secondary', async () => {
    primary.break()
    await expect(shadow().write('k', stream(), { size: content.length })).rejects.toMatchObject(away)
    expect(await old.stat('k')).toBeUndefined()
  })

  test('what fails half is in both before ifAbsent says that it is there', async () => {
    const backend = shadow()
    secondary.beforeNext('write', async () => {
      throw new Error('the line is cut')
    })
    const one = () => backend.write('k', content, { size: content.length, ifAbsent: true })
    await expect(one()).rejects.toThrow('the line is cut')
    expect([await bytesIn(young), await bytesIn(old)]).toEqual([true, undefined])
    await expect(one()).rejects.toMatchObject(refused)
    expect(await bytesIn(old)).toBe(true)
  })

  test('what only the secondary has is there for ifAbsent, and is replaced by its etag', async () => {
    await put(old, 'k', 'first')
    const backend = shadow()
    const { etag } = (await backend.stat('k'))!
    const write = (value: string, condition: object) =>
      backend.write('k', Buffer.from(value), { size: value.length, ...condition })
    await expect(write('late', { ifAbsent: true })).rejects.toMatchObject(refused)
    const second = await write('second', { ifMatch: etag })
    expect([await get(young, 'k'), await get(old, 'k')]).toEqual(['second', 'second'])
    await expect(write('third', { ifMatch: etag })).rejects.toMatchObject(refused)
    await write('third', { ifMatch: second.etag })
    expect([await get(young, 'k'), await get(old, 'k')]).toEqual(['third', 'third'])
  })

  test('what only the secondary had when it was read is not replaced once the primary has it', async () => {
    await put(old, 'k', 'first')
    const backend = shadow()
    const { etag } = (await backend.stat('k'))!
    primary.beforeNext('write', () => put(young, 'k', 'other'))
    await expect(backend.write('k', Buffer.from('mine'), { size: 4, ifMatch: etag })).rejects.toMatchObject(refused)
    expect([await get(young, 'k'), await get(old, 'k')]).toEqual(['other', 'first'])
  })
})

describe('deleting from a shadow backend', () => {
  test.each(['both', 'primary'] as const)('removes from both, with writes to %s', async (writes) => {
    await put(young, 'k', 'new')
    await put(old, 'k', 'old')
    await put(old, 'only', 'old')
    const backend = shadow(writes)
    await backend.delete('k')
    await backend.delete('only')
    expect([(await young.list('')).keys, (await old.list('')).keys]).toEqual([[], []])
  })

  test('goes by the etag of the backend that has it', async () => {
    await put(old, 'k', 'old')
    const backend = shadow()
    const { etag } = (await backend.stat('k'))!
    await put(young, 'k', 'new')
    await expect(backend.delete('k', { ifMatch: etag })).rejects.toMatchObject(refused)
    expect([await get(young, 'k'), await get(old, 'k')]).toEqual(['new', 'old'])
    await backend.delete('k', { ifMatch: (await backend.stat('k'))!.etag })
    expect([await young.stat('k'), await old.stat('k')]).toEqual([undefined, undefined])
  })

  test('of what only the secondary has is refused when the primary got it meanwhile', async () => {
    await put(old, 'k', 'old')
    const backend = shadow()
    const { etag } = (await backend.stat('k'))!
    secondary.beforeNext('delete', () => put(young, 'k', 'old'))
    await expect(backend.delete('k', { ifMatch: etag })).rejects.toMatchObject(refused)
    expect(await get(young, 'k')).toBe('old')
  })

  test('leaves in both what somebody wrote between', async () => {
    const backend = shadow()
    const { etag } = await put(backend, 'k', 'first')
    secondary.beforeNext('delete', () => put(backend, 'k', 'second'))
    await expect(backend.delete('k', { ifMatch: etag })).rejects.toMatchObject(refused)
    expect([await get(young, 'k'), await get(old, 'k')]).toEqual(['second', 'second'])
  })

  test('fails when the secondary is away, or it would come back', async () => {
    await put(young, 'k', 'new')
    await put(old, 'k', 'old')
    secondary.break()
    await expect(shadow().delete('k')).rejects.toMatchObject(away)
    expect(await get(young, 'k')).toBe('new')
  })
})

test.each([1, 2, 3, 4, 9])('pages of %i list what either has, once and in order', async (limit) => {
  const keys = Array.from({ length: 12 }, (_, n) => `k${String.fromCharCode(97 + n)}`)
  for (const [n, key] of keys.entries()) {
    if (n % 3 !== 0) await put(young, key, key)
    if (n % 2 === 0 || n % 3 === 0) await put(old, key, key)
  }
  const backend = shadow()
  const listed: string[][] = []
  for (let after: string | undefined, more = true; more; more = after !== undefined) {
    const page = await backend.list('k', { limit, ...(after === undefined ? {} : { after }) })
    listed.push([...page.keys])
    after = page.next
  }
  expect(listed.flat()).toEqual(keys)
  expect(listed.slice(0, -1).filter((page) => page.length !== limit)).toEqual([])
})
