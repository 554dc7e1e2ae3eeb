import { expect, test } from '@jest/globals'
import { collectGarbage } from '../../../lib/base/index.ts'
import { parseRepository } from '../../../lib/core/index.ts'
import { swarmLimits } from '../../../lib/swarm/index.ts'
import { gatedStore } from '../../kit/gated-store.ts'
import { type SwarmBlob, swarmBlob } from '../../kit/swarm-blob.ts'
import { putBlob, readAll, swarmLab } from '../../kit/swarm-lab.ts'

const MIB = 1024 * 1024
const ref = (blob: SwarmBlob) => ({ digest: blob.digest, repository: parseRepository('lab') })

test('a pull without readers goes on for half a minute, then pauses, and later resumes where it was', async () => {
  const blob = swarmBlob(1, 20 * MIB)
  await using lab = swarmLab([blob])
  await lab.origin({ uploadBytesPerSecond: 100_000 })
  lab.sources.failPieces('SOURCES_EXHAUSTED')
  const agent = await lab.agent()
  const handle = await lab.run(agent.engine.open(ref(blob)))
  const reader = handle.read().resume()
  await lab.clock.advance(1_000)
  reader.destroy()
  handle.close()
  await lab.clock.advance(29_000)
  expect(agent.engine.snapshot()).toHaveLength(1)
  await lab.clock.advance(2_000)
  expect(agent.engine.snapshot()).toEqual([])
  // What has come of it stays announced.
  expect(lab.tracker.entries.map(({ event }) => event)).not.toContain('stopped')
  const before = agent.received.origin
  expect(before).toBeGreaterThan(MIB)
  await lab.origin()
  expect(Buffer.compare(await lab.run(agent.pull(blob)), blob.bytes)).toBe(0)
  expect(agent.received.origin).toBeLessThan(blob.bytes.length + 3 * MIB)
})

test('an open without a read fetches no piece; a reader that comes later gets all', async () => {
  const blob = swarmBlob(1, 6 * MIB)
  await using lab = swarmLab([blob])
  await lab.origin()
  const agent = await lab.agent()
  const handle = await lab.run(agent.engine.open(ref(blob)))
  expect(handle.size).toBe(blob.bytes.length)
  await lab.clock.advance(12_000)
  handle.close()
  await lab.clock.advance(5_000)
  expect(agent.received).toEqual({ peer: 0, origin: 0 })
  expect(lab.sources.piecesSent).toBe(0)
  expect(Buffer.compare(await lab.run(agent.pull(blob)), blob.bytes)).toBe(0)
})

test('a handle that stays open does not fetch on for longer than half a minute after its last reader', async () => {
  const blob = swarmBlob(1, 40 * MIB)
  await using lab = swarmLab([blob])
  await lab.origin({ uploadBytesPerSecond: 500_000 })
  lab.sources.failPieces('SOURCES_EXHAUSTED')
  const agent = await lab.agent()
  const handle = await lab.run(agent.engine.open(ref(blob)))
  const reader = handle.read().resume()
  await lab.clock.advance(2_000)
  reader.destroy()
  const atOnce = agent.received.origin
  await lab.clock.advance(29_000)
  expect(agent.received.origin).toBeGreaterThan(atOnce + 5 * MIB)
  await lab.clock.advance(20_000)
  const paused = agent.received.origin
  await lab.clock.advance(10_000)
  expect(agent.received.origin).toBe(paused)
  expect(paused).toBeLessThan(blob.bytes.length)
  handle.close()
})

test('a finished pull is announced as completed, seeds on, and closes idle connections', async () => {
  const blob = swarmBlob(1, 4 * MIB)
  await using lab = swarmLab([blob])
  const origin = await lab.origin()
  const agent = await lab.agent()
  await lab.run(agent.pull(blob))
  await lab.clock.advance(500)
  expect(lab.tracker.entries.map(({ event, leftBytes }) => `${event} ${leftBytes}`)).toEqual([
    'started 0',
    `started ${blob.bytes.length}`,
    'completed 0',
  ])
  expect(agent.engine.snapshot()).toEqual([])
  await lab.run(origin.engine.stop())
  lab.sources.failPieces('SOURCES_EXHAUSTED')
  const late = await lab.agent()
  expect(Buffer.compare(await lab.run(late.pull(blob)), blob.bytes)).toBe(0)
  expect(late.received).toEqual({ peer: blob.bytes.length, origin: 0 })
})

test('a stored blob is announced when it is seeded, a small one is not, and forgetting it announces stopped', async () => {
  const [large, small] = [swarmBlob(1, 2 * MIB), swarmBlob(2, 1_000)]
  await using lab = swarmLab([large, small])
  const agent = await lab.agent()
  for (const blob of [large, small, large]) agent.engine.seed(ref(blob), blob.bytes.length)
  await lab.clock.advance(100)
  expect(lab.tracker.entries.map(({ event, digest }) => [event, digest])).toEqual([['started', large.digest]])
  agent.engine.forget(large.digest)
  agent.engine.forget(small.digest)
  await lab.clock.advance(2_000)
  expect(lab.tracker.entries.map(({ event }) => event)).toEqual(['started', 'stopped'])
})

test('every announce names the port where the engine listens, also the last one, when it listens no more', async () => {
  const blob = swarmBlob(1, 2 * MIB)
  await using lab = swarmLab([blob])
  const agent = await lab.agent()
  const { peerId, host } = agent
  const { port } = agent.engine.address
  expect(port).toBeGreaterThan(0)
  agent.engine.seed(ref(blob), blob.bytes.length)
  await lab.clock.advance(100)
  await lab.run(agent.engine.stop())
  expect(lab.tracker.entries.map(({ event }) => event)).toEqual(['started', 'stopped'])
  const self = { peerId, host, port, role: 'agent' }
  expect(lab.tracker.senders).toEqual([self, self])
})

test('a seed that is gone from the store is forgotten when a peer asks for it', async () => {
  const blob = swarmBlob(1, 3 * MIB)
  await using lab = swarmLab([blob])
  const origin = await lab.origin()
  await origin.store.delete(blob.digest)
  const agent = await lab.agent()
  expect(Buffer.compare(await lab.run(agent.pull(blob)), blob.bytes)).toBe(0)
  expect(lab.sources.piecesSent).toBe(blob.bytes.length)
  expect(lab.tracker.entries.map(({ event, leftBytes }) => `${event} ${leftBytes}`)).toContain('stopped 0')
})

test('a seed that was evicted and is pulled again is announced anew, and given up like any other', async () => {
  const blob = swarmBlob(1, 3 * MIB)
  await using lab = swarmLab([blob])
  const agent = await lab.agent()
  await putBlob(agent.store, blob)
  agent.engine.seed(ref(blob), blob.bytes.length)
  await lab.clock.advance(100)
  await agent.store.delete(blob.digest)
  lab.sources.failPieces('SOURCES_EXHAUSTED')
  const handle = await lab.run(agent.engine.open(ref(blob)))
  await lab.clock.advance(1_000)
  handle.close()
  await lab.clock.advance(31_000)
  expect(agent.engine.snapshot()).toEqual([])
  const told = lab.tracker.entries.filter(({ event }) => event !== 'interval')
  expect(told.map(({ event, leftBytes }) => `${event} ${leftBytes}`)).toEqual([
    'started 0',
    'stopped 0',
    `started ${blob.bytes.length}`,
    `stopped ${blob.bytes.length}`,
  ])
})

test('many blobs at once share the bounded memory for pieces', async () => {
  const blobs = [1, 2, 3, 4].map((seed) => swarmBlob(seed, 5 * MIB))
  await using lab = swarmLab(blobs)
  await lab.origin()
  const agent = await lab.agent({ limits: { pieceBufferBytes: 1 } })
  const got = await lab.run(Promise.all(blobs.map((blob) => agent.pull(blob))))
  for (const [index, blob] of blobs.entries()) expect(Buffer.compare(got[index]!, blob.bytes)).toBe(0)
})

test('two handles on one blob share one pull, each with its own account', async () => {
  const blob = swarmBlob(1, 4 * MIB)
  await using lab = swarmLab([blob])
  await lab.origin()
  const agent = await lab.agent()
  const [first, second] = await lab.run(Promise.all([agent.engine.open(ref(blob)), agent.engine.open(ref(blob))]))
  await lab.run(Promise.all([readAll(first.read()), readAll(second.read())]))
  first.close()
  first.close()
  second.close()
  const summary = await first.summary
  expect(summary).toMatchObject({ size: blob.bytes.length, digest: blob.digest, lastStepFailed: undefined })
  expect(summary.firstByteMs).toBeLessThanOrEqual(summary.totalMs)
  expect(agent.received.origin).toBe(blob.bytes.length)
  expect(lab.sources.metainfoOpened).toBe(1)
})

test('after the stop nothing is left: no timer, no connection, and no opening', async () => {
  const blob = swarmBlob(1, 4 * MIB)
  await using lab = swarmLab([blob])
  const origin = await lab.origin({ uploadBytesPerSecond: MIB })
  const agent = await lab.agent()
  const handle = await lab.run(agent.engine.open(ref(blob)))
  const failed = new Promise((resolve) => void handle.read().on('error', resolve).resume())
  await lab.clock.advance(500)
  await lab.run(agent.engine.stop())
  expect(await failed).toMatchObject({ code: 'SHUTTING_DOWN' })
  await expect(agent.engine.open(ref(blob))).rejects.toMatchObject({ code: 'SHUTTING_DOWN' })
  await lab.run(origin.engine.stop())
  expect(agent.metrics.value('shoal_swarm_connections')).toBe(0)
  expect(origin.metrics.value('shoal_swarm_connections')).toBe(0)
  for (const { store } of [agent, origin]) await store.stop()
  expect(lab.clock.pending).toBe(0)
})

test('a peer that has been banned is not let in again', async () => {
  const blobs = [swarmBlob(1, 3 * MIB), swarmBlob(2, 3 * MIB)] as const
  await using lab = swarmLab(blobs)
  const gate = gatedStore()
  gate.corrupt(() => true)
  const liar = await lab.agent({ wrapStore: gate.wrap })
  for (const blob of blobs) {
    await putBlob(liar.store, blob)
    liar.engine.seed(ref(blob), blob.bytes.length)
  }
  await lab.clock.advance(100)
  const agent = await lab.agent()
  await lab.run(agent.pull(blobs[0]))
  await lab.clock.advance(20)
  const sent = liar.sentToPeers
  await lab.run(agent.pull(blobs[1]))
  expect(liar.sentToPeers).toBe(sent)
  expect(agent.metrics.value('shoal_swarm_bans_total')).toBe(1)
})

test('a liar that uses the id of another peer gets only itself banned', async () => {
  const [wrong, right] = [swarmBlob(1, 3 * MIB), swarmBlob(2, 6 * MIB)]
  await using lab = swarmLab([wrong, right])
  const innocent = await lab.agent({ uploadBytesPerSecond: 1_000_000 })
  await putBlob(innocent.store, right)
  innocent.engine.seed(ref(right), right.bytes.length)
  const gate = gatedStore()
  gate.corrupt(() => true)
  const liar = await lab.agent({ peerId: innocent.peerId, wrapStore: gate.wrap })
  await putBlob(liar.store, wrong)
  liar.engine.seed(ref(wrong), wrong.bytes.length)
  await lab.clock.advance(100)
  const agent = await lab.agent()
  const slow = agent.pull(right)
  await lab.clock.advance(800)
  const sentOnConnection = () => innocent.engine.snapshot()[0]?.peers[0]?.sentBytes ?? 0
  const before = sentOnConnection()
  expect(before).toBeGreaterThan(MIB)
  await lab.run(agent.pull(wrong))
  expect(agent.metrics.value('shoal_swarm_bans_total')).toBe(1)
  expect(sentOnConnection()).toBeGreaterThanOrEqual(before)
  lab.sources.failPieces('SOURCES_EXHAUSTED')
  expect(Buffer.compare(await lab.run(slow), right.bytes)).toBe(0)
})

test('gives its memory back when it has had nothing to do for a while, and makes new memory for the next pull', async () => {
  const blobs = [1, 2, 3, 4].map((seed) => swarmBlob(seed, 6 * MIB))
  await using lab = swarmLab(blobs)
  await lab.origin()
  let collections = 0
  const agent = await lab.agent({
    collectGarbage: () => {
      collections += 1
      collectGarbage()
    },
  })
  const Plain = globalThis.SharedArrayBuffer
  let made = 0
  class Counted extends Plain {
    constructor(length?: number) {
      super(length)
      made += 1
    }
  }
  globalThis.SharedArrayBuffer = Counted
  try {
    const madeFor = async (at: number) => {
      const before = made
      await lab.run(agent.pull(blobs[at]!))
      return made - before
    }
    expect(await madeFor(0)).toBeGreaterThan(0)
    await lab.run(agent.pull(blobs[1]!))
    await lab.clock.advance(swarmLimits.restMs - 1_000)
    expect(agent.engine.snapshot()).toEqual([])
    expect([await madeFor(2), collections]).toEqual([0, 0])
    await lab.clock.advance(swarmLimits.restMs + 1_000)
    expect(collections).toBe(1)
    expect(await madeFor(3)).toBeGreaterThan(0)
  } finally {
    globalThis.SharedArrayBuffer = Plain
  }
})

test('collects what its start left behind when nothing is asked of it', async () => {
  await using lab = swarmLab([])
  let collections = 0
  const collectGarbage = () => {
    collections += 1
  }
  await lab.agent({ collectGarbage })
  await lab.clock.advance(swarmLimits.restMs - 1_000)
  expect(collections).toBe(0)
  await lab.clock.advance(2_000)
  expect(collections).toBe(1)
})
