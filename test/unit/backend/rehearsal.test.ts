import { expect, test } from '@jest/globals'
import { type Backend, memoryBackend, rehearseConditions, type WriteOptions } from '../../../lib/backend/index.ts'
import { fakeClock, seededRandom } from '../../../lib/base/index.ts'

const rehearsed = (backend: Backend, { clock = fakeClock(), seed = 1 } = {}) =>
  rehearseConditions(backend, { folder: 'garbage/', clock, random: seededRandom(seed) })

/** The backend, which does not look at one kind of condition. */
const without = (ignored: 'ifAbsent' | 'ifMatch' | 'delete'): Backend => {
  const backend = memoryBackend()
  return {
    ...backend,
    write: (key, source, { ifAbsent, ifMatch, ...options }) => {
      const kept: WriteOptions = {
        ...options,
        ...(ifAbsent !== undefined && ignored !== 'ifAbsent' && { ifAbsent }),
        ...(ifMatch !== undefined && ignored !== 'ifMatch' && { ifMatch }),
      }
      return backend.write(key, source, kept)
    },
    delete: (key, options) => backend.delete(key, ignored === 'delete' ? {} : options),
    list: (...args) => backend.list(...args),
  }
}

test.each(['ifAbsent', 'ifMatch', 'delete'] as const)(
  'a backend that does not look at %s is found out, and nothing is left there',
  async (ignored) => {
    const backend = without(ignored)
    await expect(rehearsed(backend)).rejects.toMatchObject({ code: 'BACKEND_CONDITIONS_IGNORED' })
    expect((await backend.list('')).keys).toEqual([])
  },
)

test('a backend that keeps them may be relied on', async () => {
  const backend = memoryBackend()
  await rehearsed(backend)
  expect((await backend.list('')).keys).toEqual([])
})

test('what a crash has left of a rehearsal is removed by a later one, and what one that runs has written is not', async () => {
  const [clock, memory] = [fakeClock(), memoryBackend()]
  const dying: Backend = { ...memory, delete: () => Promise.reject(new Error('killed')) }
  await expect(rehearsed(dying, { clock })).rejects.toThrow('killed')
  const left = (await memory.list('')).keys
  expect(left).toHaveLength(1)
  await clock.advance(599_000)
  await rehearsed(memory, { clock, seed: 2 })
  expect((await memory.list('')).keys).toEqual(left)
  await clock.advance(1_000)
  await rehearsed(memory, { clock, seed: 3 })
  expect((await memory.list('')).keys).toEqual([])
})
