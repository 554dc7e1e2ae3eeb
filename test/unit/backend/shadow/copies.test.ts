import { buffer } from 'node:stream/consumers'
import { describe, expect, test } from '@jest/globals'
import { type Backend, memoryBackend, openShadow } from '../../../../lib/backend/index.ts'
import { deferred, seededRandom } from '../../../../lib/base/index.ts'
import { recordingLogger, recordingMetrics } from '../../../../lib/telemetry/index.ts'
import { eventually } from '../../../kit/eventually.ts'
import { faultyBackend } from '../../../kit/faulty-backend.ts'

const content = Buffer.from(seededRandom(11).bytes(100_000))

/** A backend whose writes wait for `gate`. */
function slowMemory(gate: Promise<void>): Backend {
  const memory = memoryBackend()
  const write: Backend['write'] = async (...args) => {
    await gate
    return memory.write(...args)
  }
  return { ...memory, write }
}

async function lab(young: Backend = memoryBackend()) {
  const metrics = recordingMetrics()
  const logger = recordingLogger()
  const old = memoryBackend()
  const primary = faultyBackend(young)
  const secondary = faultyBackend(old)
  const backends = { primary: primary.backend, secondary: secondary.backend }
  const backend = openShadow({ logger, metrics, ...backends }, { writes: 'both', copyOnRead: true })
  if ('backendFor' in backend) throw new Error('plain backends make a plain backend')
  await backend.start()
  const copies = (outcome: string) => metrics.value('shoal_shadow_copies_total', { outcome })
  const read = async (key: string) => {
    const found = await backend.read(key)
    return (await buffer(found!.body)).equals(content)
  }
  const counted = (outcome: string, count: number) =>
    eventually(() => {
      expect(copies(outcome)).toBe(count)
    })
  return {
    backend,
    young,
    old,
    primary,
    secondary,
    logger,
    copies,
    read,
    counted,
    [Symbol.asyncDispose]: () => backend.stop(),
  }
}

const put = (backend: Backend, key: string) => backend.write(key, content, { size: content.length })

describe('copying on read', () => {
  test('brings what only the secondary had into the primary, once for all who read it', async () => {
    await using it = await lab()
    await put(it.old, 'k')
    const gate = deferred()
    it.primary.beforeNext('write', () => gate.promise)
    expect(await Promise.all([it.read('k'), it.read('k'), it.read('k')])).toEqual([true, true, true])
    gate.resolve()
    await it.counted('copied', 1)
    expect(it.primary.calls.write).toBe(1)
    expect((await buffer((await it.young.read('k'))!.body)).equals(content)).toBe(true)
    expect(await it.read('k')).toBe(true)
    expect(it.copies('copied')).toBe(1)
  })

  test('copies nothing that is only looked at, and nothing that the primary has', async () => {
    await using it = await lab()
    await put(it.old, 'k')
    await put(it.young, 'l')
    await it.backend.stat('k')
    await it.read('l')
    expect(it.primary.calls.write).toBe(0)
  })

  test('fails no read when it fails: it is logged and counted, and the next read tries again', async () => {
    await using it = await lab()
    await put(it.old, 'k')
    it.primary.beforeNext('write', async () => {
      throw new Error('full')
    })
    expect(await it.read('k')).toBe(true)
    await it.counted('failed', 1)
    expect(it.logger.lines).toMatchObject([{ message: 'failed to copy an object to the primary backend' }])
    expect(await it.read('k')).toBe(true)
    await it.counted('copied', 1)
  })

  test('does not overwrite what was written meanwhile', async () => {
    await using it = await lab()
    await put(it.old, 'k')
    it.primary.beforeNext('write', () => it.young.write('k', Buffer.from('new'), { size: 3 }))
    expect(await it.read('k')).toBe(true)
    await it.counted('needless', 1)
    expect(await it.young.stat('k')).toMatchObject({ size: 3 })
  })

  test('does not bring back what was deleted meanwhile', async () => {
    await using it = await lab()
    await put(it.old, 'k')
    it.primary.beforeNext('write', () => it.backend.delete('k'))
    expect(await it.read('k')).toBe(true)
    await it.counted('copied', 1)
    expect(await it.young.stat('k')).toBeUndefined()
  })

  test('takes back only its own copy of what was deleted, and not what was written since', async () => {
    await using it = await lab()
    await put(it.old, 'k')
    it.primary.beforeNext('write', async () => {
      await it.backend.delete('k')
      it.primary.beforeNext('delete', () => it.young.write('k', Buffer.from('new'), { size: 3 }))
    })
    expect(await it.read('k')).toBe(true)
    await it.counted('needless', 1)
    expect(await it.young.stat('k')).toMatchObject({ size: 3 })
  })

  test('copies nothing that was read because the primary is away', async () => {
    await using it = await lab()
    for (const key of ['k', 'l']) await put(it.old, key)
    it.primary.break()
    expect(await it.read('k')).toBe(true)
    it.primary.heal()
    expect(await it.read('l')).toBe(true)
    await it.counted('copied', 1)
    expect([it.copies('failed'), (await it.young.list('')).keys]).toEqual([0, ['l']])
  })

  test('copies four at a time, and all of them', async () => {
    const gate = deferred()
    await using it = await lab(slowMemory(gate.promise))
    const keys = Array.from({ length: 30 }, (_, n) => `k${n}`)
    for (const key of keys) await put(it.old, key)
    await Promise.all(keys.map((key) => it.read(key)))
    await eventually(() => expect(it.primary.calls.write).toBe(4))
    gate.resolve()
    await it.counted('copied', 30)
    expect((await it.young.list('')).keys).toHaveLength(30)
  })

  test('lets a thousand wait; what is more is copied when it is read again', async () => {
    const gate = deferred()
    await using it = await lab(slowMemory(gate.promise))
    const look = async (key: string) => (await it.backend.read(key))!.body.destroy()
    const keys = Array.from({ length: 1_010 }, (_, n) => `k${n}`)
    for (const key of keys) await it.old.write(key, Buffer.from('x'), { size: 1 })
    for (const key of keys) await look(key)
    expect(it.copies('skipped')).toBe(6)
    gate.resolve()
    await it.counted('copied', 1_004)
    for (const key of keys) await look(key)
    await it.counted('copied', 1_010)
  })

  test('ends with the backend', async () => {
    const it = await lab()
    await put(it.old, 'k')
    const gate = deferred()
    it.primary.beforeNext('write', () => gate.promise)
    await it.read('k')
    const stopped = it.backend.stop()
    gate.resolve()
    await stopped
    expect([it.copies('failed'), await it.young.stat('k')]).toEqual([0, undefined])
  })
})
