import { describe, expect, test } from '@jest/globals'
import { deferred } from '../../../lib/base/index.ts'
import { parseRepository } from '../../../lib/core/index.ts'
import type { MetainfoRecord } from '../../../lib/metainfo/index.ts'
import { type SwarmBlob, swarmBlob } from '../../kit/swarm-blob.ts'
import { type LabNode, putBlob, readAll, swarmLab } from '../../kit/swarm-lab.ts'

const MIB = 1024 * 1024
const TAIL = 64 * 1024
const ref = (blob: SwarmBlob) => ({ digest: blob.digest, repository: parseRepository('lab') })
const open = (agent: LabNode, blob: SwarmBlob) => agent.engine.open(ref(blob))

describe('readers', () => {
  test('a hundred of them, each with its own range, get their own bytes', async () => {
    const blob = swarmBlob(1, 12 * MIB + 321)
    await using lab = swarmLab([blob])
    await lab.origin()
    const agent = await lab.agent()
    const handle = await lab.run(open(agent, blob))
    const ranges = Array.from({ length: 100 }, () => {
      const start = Math.floor(lab.random.next() * blob.bytes.length)
      return { start, end: start + Math.ceil(lab.random.next() * (blob.bytes.length - start)) }
    })
    const got = await lab.run(Promise.all(ranges.map((range) => readAll(handle.read(range)))))
    for (const [index, { start, end }] of ranges.entries()) {
      expect(Buffer.compare(got[index]!, blob.bytes.subarray(start, end))).toBe(0)
    }
    handle.close()
    expect(agent.received.origin).toBe(blob.bytes.length)
  })

  test('one that gives up does not disturb the others', async () => {
    const blob = swarmBlob(1, 8 * MIB)
    await using lab = swarmLab([blob])
    await lab.origin({ uploadBytesPerSecond: 4 * MIB })
    const agent = await lab.agent()
    const handle = await lab.run(open(agent, blob))
    const controller = new AbortController()
    const doomed = readAll(handle.read(undefined, { signal: controller.signal }))
    const rest = readAll(handle.read())
    await lab.clock.advance(300)
    controller.abort()
    await expect(doomed).rejects.toMatchObject({ code: 'ABORTED' })
    expect(Buffer.compare(await lab.run(rest), blob.bytes)).toBe(0)
    handle.close()
  })

  test('an open with a signal that has fired gets nothing', async () => {
    const blob = swarmBlob(1, 2 * MIB)
    await using lab = swarmLab([blob])
    const agent = await lab.agent()
    const opened = agent.engine.open(ref(blob), { signal: AbortSignal.abort() })
    await expect(opened).rejects.toMatchObject({ code: 'ABORTED' })
  })

  test('a range in the middle comes before the rest', async () => {
    const blob = swarmBlob(1, 40 * MIB)
    await using lab = swarmLab([blob])
    await lab.origin({ uploadBytesPerSecond: 4 * MIB })
    const agent = await lab.agent()
    const handle = await lab.run(open(agent, blob))
    const range = { start: 30 * MIB + 9, end: 31 * MIB }
    expect(
      Buffer.compare(await lab.run(readAll(handle.read(range))), blob.bytes.subarray(range.start, range.end)),
    ).toBe(0)
    expect(lab.clock.monotonicMs()).toBeLessThan(3_000)
    handle.close()
  })

  test('get bytes while later pieces have no record yet, and the last bytes only when the digest is verified', async () => {
    const blob = swarmBlob(1, 3 * MIB)
    await using lab = swarmLab([blob])
    const verify = deferred()
    lab.sources.answerMetainfo(() => [...blob.records.slice(0, -1), verify.promise, { kind: 'verified' }])
    const agent = await lab.agent({ verify: 'pieces' })
    const handle = await lab.run(open(agent, blob))
    const stream = handle.read()
    let got = 0
    stream.on('data', (chunk: Uint8Array) => {
      got += chunk.length
    })
    const ended = new Promise((resolve) => stream.once('end', resolve))
    await lab.clock.advance(1_900)
    expect(got).toBe(blob.bytes.length - TAIL)
    verify.resolve()
    await lab.run(ended)
    expect(got).toBe(blob.bytes.length)
    handle.close()
  })

  test('that wait for an origin which is still bringing the blob get no STALLED', async () => {
    const blob = swarmBlob(1, 3 * MIB)
    await using lab = swarmLab([blob])
    lab.sources.answerMetainfo(function* () {
      yield* blob.records.slice(0, 1)
      for (let beat = 0; beat < 8; beat += 1) {
        yield lab.clock.sleep(5_000)
        yield { kind: 'heartbeat' }
      }
      yield* blob.records.slice(1)
    })
    const agent = await lab.agent()
    const pulled = agent.pull(blob)
    const outcome = pulled.catch((err: unknown) => err)
    await lab.clock.advance(40_000)
    expect(await lab.run(outcome)).toHaveLength(blob.bytes.length)
  })

  test('that need not wait for the word of the origin when the whole digest can be computed here', async () => {
    const blob = swarmBlob(1, 3 * MIB)
    await using lab = swarmLab([blob])
    lab.sources.answerMetainfo(() => [...blob.records.slice(0, -1), new Promise<void>(() => undefined)])
    const agent = await lab.agent()
    expect(Buffer.compare(await lab.run(agent.pull(blob)), blob.bytes)).toBe(0)
    expect(lab.clock.monotonicMs()).toBeLessThan(5_000)
  })
})

describe('a blob that is wrong', () => {
  test('resets its readers before their last bytes, is dropped, and refused for a minute', async () => {
    const blob = swarmBlob(1, 3 * MIB)
    await using lab = swarmLab([blob])
    const fail = deferred()
    lab.sources.answerMetainfo(() => [
      ...blob.records.slice(0, -1),
      fail.promise,
      { kind: 'failed', code: 'DIGEST_INVALID' } satisfies MetainfoRecord,
    ])
    const agent = await lab.agent({ verify: 'pieces' })
    const handle = await lab.run(open(agent, blob))
    const stream = handle.read()
    let got = 0
    stream.on('data', (chunk: Uint8Array) => {
      got += chunk.length
    })
    const ended = new Promise((resolve) => stream.once('error', resolve))
    await lab.clock.advance(500)
    fail.resolve()
    expect(await lab.run(ended)).toMatchObject({ code: 'METAINFO_FAILED' })
    expect(got).toBeLessThanOrEqual(blob.bytes.length - TAIL)
    handle.close()
    await lab.clock.advance(100)
    expect(await agent.store.partials()).toEqual([])
    await expect(open(agent, blob)).rejects.toMatchObject({ code: 'DIGEST_REFUSED' })
    lab.sources.answerMetainfo(undefined)
    await lab.clock.advance(60_000)
    expect(Buffer.compare(await lab.run(agent.pull(blob)), blob.bytes)).toBe(0)
  })

  test('is found out here when the whole digest is to be verified', async () => {
    const blob = swarmBlob(1, 3 * MIB)
    const other = swarmBlob(2, 3 * MIB)
    await using lab = swarmLab([{ ...other, digest: blob.digest }])
    // The piece hashes fit the bytes, but the bytes do not have the digest.
    lab.sources.answerMetainfo(() => [{ kind: 'header', header: blob.header }, ...other.records.slice(1)])
    const agent = await lab.agent()
    await expect(lab.run(agent.pull(blob))).rejects.toMatchObject({ code: 'METAINFO_FAILED' })
    expect(await agent.store.stat(blob.digest)).toBeUndefined()
  })

  test('with two stories about its pieces ends with a conflict', async () => {
    const blob = swarmBlob(1, 3 * MIB)
    await using lab = swarmLab([blob])
    let streams = 0
    lab.sources.answerMetainfo(() => {
      streams += 1
      const lie: MetainfoRecord = { kind: 'piece', index: 0, hash: new Uint8Array(32).fill(streams) }
      return [{ kind: 'header', header: blob.header }, lie]
    })
    const agent = await lab.agent()
    await expect(lab.run(agent.pull(blob))).rejects.toMatchObject({ code: 'METAINFO_CONFLICT' })
  })
})

describe('opening', () => {
  test('an unknown blob fails at once, and is not asked for again within a second', async () => {
    const blob = swarmBlob(1, 3 * MIB)
    await using lab = swarmLab([])
    const agent = await lab.agent()
    await expect(lab.run(open(agent, blob))).rejects.toMatchObject({ code: 'BLOB_UNKNOWN' })
    await expect(lab.run(open(agent, blob))).rejects.toMatchObject({ code: 'BLOB_UNKNOWN' })
    expect(lab.sources.metainfoOpened).toBe(1)
    expect(lab.clock.monotonicMs()).toBeLessThan(200)
    await lab.clock.advance(1_000)
    await expect(lab.run(open(agent, blob))).rejects.toMatchObject({ code: 'BLOB_UNKNOWN' })
    expect(lab.sources.metainfoOpened).toBe(2)
  })

  test('fails after ten seconds when no header comes', async () => {
    const blob = swarmBlob(1, 3 * MIB)
    await using lab = swarmLab([blob])
    lab.sources.answerMetainfo(() => [new Promise<void>(() => undefined)])
    const agent = await lab.agent()
    await expect(lab.run(open(agent, blob))).rejects.toMatchObject({ code: 'SOURCES_EXHAUSTED' })
    expect(lab.clock.monotonicMs()).toBeGreaterThanOrEqual(10_000)
    expect(lab.clock.monotonicMs()).toBeLessThan(10_200)
  })

  test('a complete blob of the store touches no network', async () => {
    const blob = swarmBlob(1, 3 * MIB)
    await using lab = swarmLab([])
    const agent = await lab.agent()
    await putBlob(agent.store, blob)
    const handle = await lab.run(open(agent, blob))
    expect(Buffer.compare(await lab.run(readAll(handle.read())), blob.bytes)).toBe(0)
    handle.close()
    expect((await handle.summary).bytes).toEqual({ peer: 0, origin: 0, http: 0, cache: blob.bytes.length })
    expect(lab.sources.metainfoOpened).toBe(0)
    expect(lab.tracker.entries).toEqual([])
  })

  test.each([0, 1, TAIL])('a blob of %s bytes comes with its header, without a swarm, and is kept', async (size) => {
    const blob = swarmBlob(1, size)
    await using lab = swarmLab([blob])
    const agent = await lab.agent()
    expect(Buffer.compare(await lab.run(agent.pull(blob)), blob.bytes)).toBe(0)
    await lab.clock.advance(50)
    expect(await agent.store.stat(blob.digest)).toMatchObject({ size })
    expect(lab.tracker.entries).toEqual([])
    expect(Buffer.compare(await lab.run(agent.pull(blob)), blob.bytes)).toBe(0)
    expect(lab.sources.metainfoOpened).toBe(1)
  })

  test('a blob just above the inline limit takes the swarm like any other', async () => {
    const blob = swarmBlob(1, TAIL + 1)
    await using lab = swarmLab([blob])
    await lab.origin()
    const agent = await lab.agent()
    expect(Buffer.compare(await lab.run(agent.pull(blob)), blob.bytes)).toBe(0)
    expect(agent.received.origin).toBe(blob.bytes.length)
  })
})
