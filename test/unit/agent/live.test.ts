import { describe, expect, test } from '@jest/globals'
import type { liveKeys } from '../../../lib/api/live-keys.ts'
import { digestOf } from '../../../lib/core/index.ts'
import { agentSchema } from '../../../services/agent/config.ts'
import { agentLive } from '../../../services/agent/live.ts'

const blob = digestOf(Buffer.from('a blob'))
const rule = { name: 'no-team', repositories: ['team/*'] }
const low = { repositories: ['team/*'], priority: 'low' }
const withheld = { name: 'no-blob', digests: [blob] }
const MIB = 1024 * 1024

/** For each live key of an agent: a value, and what hears of it. */
const heard: Readonly<Record<keyof typeof liveKeys.agent, readonly [value: unknown, what: unknown]>> = {
  log: ['debug', { log: 'debug' }],
  'limits.upload': ['7MB/s', { upload: 7_000_000 }],
  'limits.download': ['8MB/s', { download: 8_000_000 }],
  'limits.connections': [31, { limits: { connections: 31 } }],
  'limits.blobConnections': [13, { limits: { blobConnections: 13 } }],
  'limits.uploadSlots': [14, { limits: { uploadSlots: 14 } }],
  'limits.window': ['5MiB', { limits: { windowBytes: 5 * MIB } }],
  'limits.pipeline': [15, { limits: { pipelineBlocks: 15 } }],
  'registry.clientRequests': [12, { clientRequests: 12 }],
  'registry.fill': [true, { fill: true }],
  'registry.upstreams': [['ghcr.io'], { upstreams: [{ registry: 'ghcr.io', identity: 'mirror' }] }],
  'registry.upstreamWait': ['3s', { waitMs: 3_000 }],
  'pulls.clientMax': ['high', { pulls: expect.objectContaining({ clientMax: 'high', rules: [], blocks: [] }) }],
  'pulls.rules': [[low], { pulls: expect.objectContaining({ rules: [low] }) }],
  'pulls.blocks': [[rule], { pulls: expect.objectContaining({ blocks: [rule] }) }],
  withhold: [[withheld], { withhold: [withheld] }],
  'store.capacity': ['9MiB', { room: { capacityBytes: 9 * MIB } }],
  'store.minFree': ['10MiB', { room: { minFreeBytes: 10 * MIB } }],
  'store.highWatermark': [0.95, { room: { highWatermark: 0.95 } }],
  'store.lowWatermark': [0.7, { room: { lowWatermark: 0.7 } }],
  'scrub.rate': ['11MB/s', { scrub: 11_000_000 }],
}

describe('settings of an agent that runs', () => {
  test.each(Object.entries(heard))('%s reaches what obeys it, and goes back to the file', (key, [value, what]) => {
    const config = agentSchema.parse({ registry: { fill: false } })
    const said: unknown[] = []
    const note = (name: string) => (given: unknown) => void said.push({ [name]: given })
    const rate = (name: string) => ({ setRate: note(name) })
    const live = agentLive(
      {
        engine: { uploads: rate('upload'), downloads: rate('download'), limits: { set: note('limits') } } as never,
        store: { setLimits: note('room') },
        scrub: rate('scrub'),
        rules: { now: config.pulls, set: note('pulls') },
        gives: { set: note('withhold') },
        front: { setClientRequests: note('clientRequests'), setFill: note('fill'), setUpstreams: note('upstreams') },
        upstreamWait: { setWaitMs: note('waitMs') },
        setLogLevel: note('log'),
      },
      config,
    )
    live.apply({ [key]: value })
    expect(said).toEqual([what])
    live.apply({})
    expect(said.length).toBe(2)
    expect(said[1]).not.toEqual(what)
  })
})
