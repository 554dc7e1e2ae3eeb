import { getEventListeners, setMaxListeners } from 'node:events'
import { buffer } from 'node:stream/consumers'
import { expect, test } from '@jest/globals'
import { backendSchema, openBackend } from '../../../lib/backend/index.ts'
import { seededRandom, systemClock } from '../../../lib/base/index.ts'
import { silentLogger, silentMetrics } from '../../../lib/telemetry/index.ts'
import { eventually } from '../../kit/eventually.ts'
import { tempFolder } from '../../kit/temp-folder.ts'

test('calls of a backend leave nothing behind on the signal that they share', async () => {
  await using folder = await tempFolder('listeners')
  const parts = { clock: systemClock(), random: seededRandom(1), logger: silentLogger(), metrics: silentMetrics() }
  const backend = openBackend(parts, backendSchema.parse({ driver: 'file', folder: folder.path }))
  await backend.start()
  const { signal } = new AbortController()
  setMaxListeners(0, signal)
  const keys = Array.from({ length: 8 }, (_, i) => `k${i}`)
  for (const key of keys) await backend.write(key, Buffer.from(key), { size: 2, signal })
  const read = async (key: string) => {
    const found = await backend.read(key, { signal })
    return found && (await buffer(found.body)).toString()
  }
  expect(await Promise.all(keys.map(read))).toEqual(keys)
  ;(await backend.read('k1', { signal }))?.body.destroy()
  await backend.list('', { signal })
  await backend.stat('k1', { signal })
  await backend.delete('k1', { signal })
  await eventually(() => expect(getEventListeners(signal, 'abort')).toEqual([]))
  await backend.stop()
})
