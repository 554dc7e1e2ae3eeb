import { describe, expect, test } from '@jest/globals'
import { parseRepository } from '../../../lib/core/index.ts'
import { inlineDigester, type PieceDigester } from '../../../lib/metainfo/index.ts'
import { memoryStore } from '../../../lib/store/index.ts'
import { type PeerReport, swarmLimits } from '../../../lib/swarm/index.ts'
import { silentLogger } from '../../../lib/telemetry/index.ts'
import { gatedStore } from '../../kit/gated-store.ts'
import { type SwarmBlob, swarmBlob } from '../../kit/swarm-blob.ts'
import { type LabNode, putBlob, putPieces, readAll, type SwarmLab, swarmLab } from '../../kit/swarm-lab.ts'

const MIB = 1024 * 1024
const ref = (blob: SwarmBlob) => ({ digest: blob.digest, repository: parseRepository('lab') })

/** An agent that has and offers the whole blob. */
async function seeder(lab: SwarmLab, blob: SwarmBlob, init = {}): Promise<LabNode> {
  const agent = await lab.agent(init)
  await putBlob(agent.store, blob)
  agent.engine.seed(ref(blob), blob.bytes.length)
  await lab.clock.advance(50)
  return agent
}

const bansOf = (node: LabNode) => node.metrics.value('shoal_swarm_bans_total')
const badPiecesOf = (node: LabNode) => node.metrics.value('shoal_swarm_bad_pieces_total')

describe('a peer that sends wrong bytes', () => {
  test('is banned, the innocent are not, and the pull completes', async () => {
    const blob = swarmBlob(1, 12 * MIB)
    await using lab = swarmLab([blob])
    const gate = gatedStore()
    gate.corrupt(() => true)
    const liar = await seeder(lab, blob, { wrapStore: gate.wrap })
    const honest = [await seeder(lab, blob), await seeder(lab, blob)]
    const agent = await lab.agent()
    expect(Buffer.compare(await lab.run(agent.pull(blob)), blob.bytes)).toBe(0)
    // The first bad piece reveals the peer; as many more may have been on their way as one asks of a new peer at once.
    expect(badPiecesOf(agent)).toBeGreaterThanOrEqual(1)
    expect(badPiecesOf(agent)).toBeLessThanOrEqual(1 + swarmLimits.minPipelineBlocks)
    expect(bansOf(agent)).toBe(1)
    await lab.clock.advance(20)
    for (const innocent of honest) expect(innocent.sentToPeers).toBeGreaterThan(0)
    // The banned peer cannot connect either.
    const second = swarmBlob(2, MIB)
    expect(second.digest).not.toBe(blob.digest)
    expect(liar.engine.snapshot().flatMap(({ peers }) => peers)).toEqual([])
  })

  test('in some of its blocks only is found by the blocks, with several givers in one piece', async () => {
    const blob = swarmBlob(1, 12 * MIB)
    await using lab = swarmLab([blob], 5)
    const gate = gatedStore()
    const wrong = new Set([2, 3, 7])
    gate.corrupt(({ start }) => wrong.has(Math.floor(start / MIB)))
    await seeder(lab, blob, { wrapStore: gate.wrap, uploadBytesPerSecond: 4 * MIB })
    await seeder(lab, blob, { uploadBytesPerSecond: 4 * MIB })
    await lab.origin({ uploadBytesPerSecond: 4 * MIB })
    const agent = await lab.agent()
    expect(Buffer.compare(await lab.run(agent.pull(blob)), blob.bytes)).toBe(0)
    expect(bansOf(agent)).toBeLessThanOrEqual(1)
    expect(badPiecesOf(agent) > 0).toBe(bansOf(agent) === 1)
  })

  test('over HTTP is asked again later, and the pull completes', async () => {
    const blob = swarmBlob(1, 3 * MIB)
    await using lab = swarmLab([blob])
    lab.sources.corruptPieces(true)
    const agent = await lab.agent()
    const pulled = agent.pull(blob)
    await lab.clock.advance(1_000)
    expect(badPiecesOf(agent)).toBeGreaterThan(0)
    lab.sources.corruptPieces(false)
    expect(Buffer.compare(await lab.run(pulled), blob.bytes)).toBe(0)
    expect(bansOf(agent)).toBe(0)
  })
})

describe('when parts of the cluster are gone', () => {
  test('all trackers: the pull completes over HTTP', async () => {
    const blob = swarmBlob(1, 9 * MIB)
    await using lab = swarmLab([blob])
    lab.tracker.alive = false
    const agent = await lab.agent()
    expect(Buffer.compare(await lab.run(agent.pull(blob)), blob.bytes)).toBe(0)
    expect(lab.sources.piecesSent).toBe(blob.bytes.length)
  })

  test('an origin in mid-pull: the other one gives the rest', async () => {
    const blob = swarmBlob(1, 16 * MIB)
    await using lab = swarmLab([blob])
    const limit = { uploadBytesPerSecond: 4 * MIB }
    const doomed = await lab.origin(limit)
    const other = await lab.origin(limit)
    const agent = await lab.agent()
    const pulled = agent.pull(blob)
    await lab.clock.advance(1_000)
    expect(doomed.sentToPeers).toBeGreaterThan(0)
    await lab.run(doomed.engine.stop())
    expect(Buffer.compare(await lab.run(pulled), blob.bytes)).toBe(0)
    expect(other.sentToPeers).toBeGreaterThan(blob.bytes.length / 2)
  })

  test('the only origin of the swarm, which hangs: HTTP takes over', async () => {
    const blob = swarmBlob(1, 8 * MIB)
    await using lab = swarmLab([blob])
    const gate = gatedStore(2 * MIB)
    await lab.origin({ wrapStore: gate.wrap })
    const agent = await lab.agent()
    expect(Buffer.compare(await lab.run(agent.pull(blob)), blob.bytes)).toBe(0)
    expect(lab.sources.piecesSent).toBeGreaterThanOrEqual(6 * MIB)
    expect(lab.clock.monotonicMs()).toBeLessThan(7_500)
  })

  test('the only origin of the swarm, which hangs: the tracker is told what it gave, at what cost, and that it failed', async () => {
    const blob = swarmBlob(1, 8 * MIB)
    await using lab = swarmLab([blob])
    const gate = gatedStore(2 * MIB)
    const origin = await lab.origin({ wrapStore: gate.wrap, uploadBytesPerSecond: 2 * MIB })
    const agent = await lab.agent()
    await lab.run(agent.pull(blob))
    await lab.clock.advance(50)
    const reports = lab.tracker.entries
      .flatMap((entry) => entry.reports)
      .filter((each) => each.peerId === origin.peerId)
    const sum = (of: (report: PeerReport) => number) => reports.reduce((total, report) => total + of(report), 0)
    expect(sum(({ receivedBytes }) => receivedBytes)).toBe(2 * MIB)
    expect(sum(({ failures }) => failures)).toBeGreaterThan(0)
    expect(sum(({ costMs }) => costMs)).toBeGreaterThan(500)
  })

  test('nothing, but the only origin is busy with others: HTTP takes over after a while', async () => {
    const blob = swarmBlob(1, 3 * MIB)
    await using lab = swarmLab([blob])
    await lab.origin({ limits: { uploadSlots: 0 } })
    const agent = await lab.agent()
    const pulled = agent.pull(blob)
    await lab.clock.advance(7_500)
    expect(lab.sources.piecesSent).toBe(0)
    expect(Buffer.compare(await lab.run(pulled), blob.bytes)).toBe(0)
    expect(lab.clock.monotonicMs()).toBeLessThan(9_000)
  })

  test('everything: readers end with the step that failed last, after half a minute', async () => {
    const blob = swarmBlob(1, 8 * MIB)
    await using lab = swarmLab([blob])
    lab.tracker.alive = false
    lab.sources.failPieces('SOURCES_EXHAUSTED')
    const agent = await lab.agent()
    const failed = expect(lab.run(agent.pull(blob))).rejects.toMatchObject({
      code: 'SOURCES_EXHAUSTED',
      detail: { lastStepFailed: 'SOURCES_EXHAUSTED' },
    })
    await failed
    expect(lab.clock.monotonicMs()).toBeGreaterThanOrEqual(30_000)
    expect(lab.clock.monotonicMs()).toBeLessThan(32_000)
  })
})

describe('a full disk', () => {
  test('still lets the client have all of its bytes', async () => {
    const blob = swarmBlob(1, 20 * MIB)
    await using lab = swarmLab([blob])
    await lab.origin({ uploadBytesPerSecond: 4 * MIB })
    const agent = await lab.agent({ capacityBytes: 6 * MIB, limits: { overflowBytes: 4 * MIB } })
    expect(Buffer.compare(await lab.run(agent.pull(blob)), blob.bytes)).toBe(0)
    expect(agent.received.origin).toBe(blob.bytes.length)
    expect(await agent.store.stat(blob.digest)).toBeUndefined()
  })

  test('lets several clients at different places have theirs', async () => {
    const blob = swarmBlob(1, 12 * MIB)
    await using lab = swarmLab([blob])
    await lab.origin()
    const agent = await lab.agent({ capacityBytes: 2 * MIB, limits: { overflowBytes: 4 * MIB } })
    const handle = await lab.run(agent.engine.open(ref(blob)))
    const ranges = [0, 5, 9].map((piece) => ({ start: piece * MIB + 7, end: 12 * MIB }))
    const got = await lab.run(Promise.all(ranges.map((range) => readAll(handle.read(range)))))
    for (const [index, { start, end }] of ranges.entries()) {
      expect(Buffer.compare(got[index]!, blob.bytes.subarray(start, end))).toBe(0)
    }
    handle.close()
  })
})

/** Computes the digest of a whole more slowly than bytes come. */
function slowDigester(lab: SwarmLab): PieceDigester {
  const inline = inlineDigester()
  return {
    ...inline,
    running(algorithm) {
      const running = inline.running(algorithm)
      return {
        async update(...parts) {
          await lab.clock.sleep(100)
          await running.update(...parts)
        },
        end: () => running.end(),
        close: () => running.close(),
      }
    },
  }
}

describe('a full disk, and a digest that comes later than the bytes', () => {
  test.each([1, 2, 4])('still lets several clients have all, with memory for %p pieces', async (pieces) => {
    const blob = swarmBlob(1, 12 * MIB)
    await using lab = swarmLab([blob])
    await lab.origin()
    const limits = { overflowBytes: pieces * blob.map.pieceLength }
    const agent = await lab.agent({ capacityBytes: 2 * MIB, limits, digester: slowDigester(lab) })
    const handle = await lab.run(agent.engine.open(ref(blob)))
    const late = lab.clock.sleep(700).then(() => readAll(handle.read()))
    const got = await lab.run(Promise.all([readAll(handle.read()), late]))
    expect(got.map((bytes) => Buffer.compare(bytes, blob.bytes))).toEqual([0, 0])
    handle.close()
  })

  test('is computed here when no origin says that the whole is right', async () => {
    const blob = swarmBlob(1, 12 * MIB)
    await using lab = swarmLab([blob])
    await lab.origin()
    lab.sources.answerMetainfo(() => [...blob.records.slice(0, -1), new Promise(() => undefined)])
    const limits = { overflowBytes: 2 * blob.map.pieceLength }
    const agent = await lab.agent({ capacityBytes: 2 * MIB, limits, verify: 'pieces' })
    const handle = await lab.run(agent.engine.open(ref(blob)))
    expect(Buffer.compare(await lab.run(readAll(handle.read())), blob.bytes)).toBe(0)
    handle.close()
  })
})

describe('a disk that was full for a moment', () => {
  /** An agent that has read the whole of a blob while a reader of another blob kept the disk full. */
  async function crowded(lab: SwarmLab, [old, fresh]: readonly [SwarmBlob, SwarmBlob]) {
    await lab.origin()
    const agent = await lab.agent({ capacityBytes: 24 * MIB })
    await lab.run(agent.pull(old))
    const held = agent.store.lease(old.digest)
    const handle = await lab.run(agent.engine.open(ref(fresh)))
    expect(Buffer.compare(await lab.run(readAll(handle.read())), fresh.bytes)).toBe(0)
    expect(await agent.store.stat(fresh.digest)).toBeUndefined()
    return { agent, held, handle, received: agent.received.origin }
  }

  test('has the whole in the end, however often it is read meanwhile, and no byte is fetched twice', async () => {
    const blobs = [swarmBlob(1, 14 * MIB), swarmBlob(2, 14 * MIB)] as const
    await using lab = swarmLab(blobs)
    const { agent, held, handle, received } = await crowded(lab, blobs)
    held()
    expect(Buffer.compare(await lab.run(readAll(handle.read())), blobs[1].bytes)).toBe(0)
    await lab.clock.advance(2_100)
    expect(await agent.store.stat(blobs[1].digest)).toMatchObject({ size: 14 * MIB })
    expect(agent.received.origin).toBe(received)
    handle.close()
  })
})

describe('after a restart', () => {
  test('only what is missing is fetched', async () => {
    const blob = swarmBlob(1, 10 * MIB)
    await using lab = swarmLab([blob])
    await lab.origin()
    const store = memoryStore({ clock: lab.clock, random: lab.random, logger: silentLogger() }, { capacityBytes: 1e9 })
    await store.start()
    await putPieces(store, blob, (6 * MIB) / blob.map.pieceLength)
    const agent = await lab.agent({ store })
    const handle = await lab.run(agent.engine.open(ref(blob)))
    expect(Buffer.compare(await lab.run(readAll(handle.read())), blob.bytes)).toBe(0)
    handle.close()
    expect(agent.received.origin).toBe(4 * MIB)
    expect((await handle.summary).bytes).toEqual({ peer: 0, origin: 4 * MIB, http: 0, cache: 6 * MIB })
  })

  test('in mid-pull nothing verified is lost', async () => {
    const blob = swarmBlob(1, 10 * MIB)
    await using lab = swarmLab([blob])
    const gate = gatedStore(5 * MIB)
    await lab.origin({ wrapStore: gate.wrap })
    lab.sources.failPieces('SOURCES_EXHAUSTED')
    const store = memoryStore({ clock: lab.clock, random: lab.random, logger: silentLogger() }, { capacityBytes: 1e9 })
    const first = await lab.agent({ store })
    const handle = await lab.run(first.engine.open(ref(blob)))
    const stream = handle.read()
    const ended = new Promise((resolve) => void stream.on('error', resolve))
    stream.resume()
    await lab.clock.advance(2_000)
    await lab.run(first.engine.stop())
    expect(await lab.run(ended)).toMatchObject({ code: 'SHUTTING_DOWN' })
    await store.stop()
    gate.openTo(Number.POSITIVE_INFINITY)
    const second = await lab.agent({ store })
    expect(Buffer.compare(await lab.run(second.pull(blob)), blob.bytes)).toBe(0)
    expect(second.received.origin).toBe(5 * MIB)
  })
})

test('a node that stands still for a while blames nobody for it, and asks nobody over HTTP', async () => {
  const blob = swarmBlob(1, 16 * MIB)
  await using lab = swarmLab([blob])
  await lab.origin({ uploadBytesPerSecond: 4 * MIB })
  const agent = await lab.agent()
  const pull = agent.pull(blob)
  pull.catch(() => undefined)
  for (let stalls = 0; stalls < 5; stalls += 1) {
    await lab.clock.advance(200)
    lab.clock.stall(12_000)
  }
  expect(Buffer.compare(await lab.run(pull), blob.bytes)).toBe(0)
  const reports = lab.tracker.entries.flatMap((entry) => entry.reports)
  expect(reports.reduce((sum, { failures }) => sum + failures, 0)).toBe(0)
  expect(lab.sources.piecesSent).toBe(0)
  expect(agent.metrics.value('shoal_swarm_wasted_bytes_total', { why: 'late' })).toBe(0)
})

test('a node that waits for its own download rate does not take the origin for silent', async () => {
  const blob = swarmBlob(1, MIB + 200_000)
  await using lab = swarmLab([blob])
  // The first mebibyte comes at once; after that each chunk waits for longer than an origin may be silent.
  const agent = await lab.agent({ downloadBytesPerSecond: 8_000 })
  expect(Buffer.compare(await lab.run(agent.pull(blob)), blob.bytes)).toBe(0)
  expect(lab.sources.piecesSent).toBe(blob.bytes.length)
})
