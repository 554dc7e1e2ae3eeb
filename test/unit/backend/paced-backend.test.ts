import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { describe, expect, test } from '@jest/globals'
import { defaultBackendLimits, governor, memoryBackend, pacedBackend } from '../../../lib/backend/index.ts'
import { fakeClock, seededRandom } from '../../../lib/base/index.ts'
import { silentMetrics } from '../../../lib/telemetry/index.ts'
import { listenersOf } from '../../kit/listeners.ts'

const bytes = Buffer.from(seededRandom(5).bytes(5_000))
const chunks = () =>
  Readable.from(
    Array.from({ length: 50 }, (_, n) => bytes.subarray(n * 100, (n + 1) * 100)),
    { objectMode: false },
  )

function lab() {
  const clock = fakeClock()
  const limits = { ...defaultBackendLimits, read: 1_000, write: 1_000 }
  const components = { clock, random: seededRandom(1), metrics: silentMetrics() }
  return { clock, backend: pacedBackend(governor(components, limits), memoryBackend()) }
}

describe('a paced backend', () => {
  test('writes a stream and reads it no faster than its limits', async () => {
    const { clock, backend } = lab()
    const written = backend.write('k', chunks(), { size: 5_000 })
    await clock.advance(3_900)
    expect(await backend.stat('k')).toBeUndefined()
    await clock.advance(200)
    expect(await written).toMatchObject({ size: 5_000 })
    const read = backend.read('k').then((found) => buffer(found!.body))
    await clock.advance(10_000)
    expect((await read).equals(bytes)).toBe(true)
    expect(clock.pending).toBe(0)
  })

  test('counts what is written from memory', async () => {
    const { clock, backend } = lab()
    await backend.write('a', bytes, { size: 5_000 })
    const next = backend.write('b', bytes, { size: 5_000 })
    await clock.advance(3_900)
    expect(await backend.stat('b')).toBeUndefined()
    await clock.advance(1_200)
    await next
  })

  test('that is told to stop destroys what it was given, and waits for nothing', async () => {
    const { clock, backend } = lab()
    const controller = new AbortController()
    const { signal } = controller
    const source = chunks()
    const written = backend.write('k', source, { size: 5_000, signal })
    const refused = expect(written).rejects.toMatchObject({ code: 'ABORTED' })
    await clock.advance(1_000)
    controller.abort()
    await refused
    await clock.advance(0)
    expect([source.destroyed, clock.pending, listenersOf(signal)]).toEqual([true, 0, 0])
    expect(await backend.stat('k')).toBeUndefined()
  })
})
