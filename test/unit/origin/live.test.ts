import { describe, expect, test } from '@jest/globals'
import type { liveKeys } from '../../../lib/api/live-keys.ts'
import { digestOf } from '../../../lib/core/index.ts'
import { originSchema } from '../../../services/origin/config.ts'
import { originLive } from '../../../services/origin/live.ts'

const withheld = { name: 'no-blob', digests: [digestOf(Buffer.from('a blob'))] }

/** For each live key of an origin: a value, and what hears of it. */
const heard: Readonly<Record<keyof typeof liveKeys.origin, readonly [value: unknown, what: unknown]>> = {
  log: ['debug', { log: 'debug' }],
  'limits.upload': ['7MB/s', { upload: 7_000_000 }],
  'limits.connections': [31, { limits: { connections: 31 } }],
  'limits.blobConnections': [13, { limits: { blobConnections: 13 } }],
  'limits.uploadSlots': [14, { limits: { uploadSlots: 14 } }],
  'ingest.fill': ['off', { fill: 0 }],
  withhold: [[withheld], { withhold: [withheld] }],
  'store.minFree': ['10MiB', { room: { minFreeBytes: 10 * 1024 * 1024 } }],
  'store.highWatermark': [0.95, { room: { highWatermark: 0.95 } }],
  'store.lowWatermark': [0.7, { room: { lowWatermark: 0.7 } }],
  'store.uploadIdle': ['3h', { room: { uploadIdleMs: 3 * 3_600_000 } }],
  'handOver.rate': ['9MB/s', { handOver: 9_000_000 }],
  'scrub.rate': ['11MB/s', { scrub: 11_000_000 }],
}

function steeredOrigin() {
  const said: unknown[] = []
  const note = (name: string) => (given: unknown) => void said.push({ [name]: given })
  const rate = (name: string) => ({ setRate: note(name) })
  const live = originLive(
    {
      engine: { uploads: rate('upload'), limits: { set: note('limits') } } as never,
      ...{ fill: rate('fill'), scrub: rate('scrub'), handOver: rate('handOver') },
      gives: { set: note('withhold') },
      store: { setLimits: note('room') },
      setLogLevel: note('log'),
    },
    originSchema.parse({}),
  )
  return { live, said }
}

describe('settings of an origin that runs', () => {
  test.each(Object.entries(heard))('%s reaches what obeys it, and goes back to the file', (key, [value, what]) => {
    const { live, said } = steeredOrigin()
    live.apply({ [key]: value })
    expect(said).toEqual([what])
    live.apply({})
    expect(said.length).toBe(2)
    expect(said[1]).not.toEqual(what)
  })

  test('watermarks that hold together are set together', () => {
    const { live, said } = steeredOrigin()
    live.apply({ 'store.highWatermark': 0.5, 'store.lowWatermark': 0.4 })
    expect(said).toEqual([{ room: { highWatermark: 0.5, lowWatermark: 0.4 } }])
  })
})
