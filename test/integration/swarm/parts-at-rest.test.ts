import { describe, expect, test } from '@jest/globals'
import { parseRepository } from '../../../lib/core/index.ts'
import { seedParts, swarmLimits } from '../../../lib/swarm/index.ts'
import { type SwarmBlob, swarmBlob } from '../../kit/swarm-blob.ts'
import { type LabNode, putPieces, readAll, type SwarmLab, swarmLab } from '../../kit/swarm-lab.ts'

const blob = swarmBlob(1, 4_000_000)
const HERE = 3
const here = HERE * blob.map.pieceLength
const ref = ({ digest }: SwarmBlob) => ({ digest, repository: parseRepository('lab') })

/** An agent that has the first pieces in its store since an earlier run. */
async function withPart(lab: SwarmLab): Promise<LabNode> {
  const agent = await lab.agent()
  await putPieces(agent.store, blob, HERE)
  await seedParts(agent.store, agent.engine).start()
  await lab.clock.advance(50)
  return agent
}

/** Reads that much from the front. */
async function read(lab: SwarmLab, agent: LabNode, end: number): Promise<Uint8Array> {
  const handle = await lab.run(agent.engine.open(ref(blob)))
  try {
    return await lab.run(readAll(handle.read({ start: 0, end }, { fills: false })))
  } finally {
    handle.close()
  }
}

const told = (lab: SwarmLab) => lab.tracker.entries.map(({ event, leftBytes }) => `${event} ${leftBytes}`)
const left = blob.bytes.length - here

describe('a part of a blob that lies at an agent, and that nobody pulls', () => {
  test('is announced as a part; its pieces are given to a peer that asks, and its torrent ends with its last peer', async () => {
    await using lab = swarmLab([blob])
    lab.sources.failPieces('SOURCES_EXHAUSTED')
    const first = await withPart(lab)
    expect(told(lab)).toEqual([`started ${left}`])
    expect(first.engine.snapshot()).toEqual([])
    const second = await lab.agent()
    expect(Buffer.compare(await read(lab, second, here), blob.bytes.subarray(0, here))).toBe(0)
    expect(second.received).toEqual({ peer: here, origin: 0 })
    expect(first.engine.snapshot()).toMatchObject([{ complete: false, leftBytes: left }])
    await lab.run(second.engine.stop())
    await lab.clock.advance(1_000)
    expect(first.engine.snapshot()).toEqual([])
    expect(told(lab).filter((each) => each.endsWith(' 0'))).toEqual([])
  })

  test('stays announced after the pull that has brought it, and a later pull here goes on from it and asks for peers', async () => {
    await using lab = swarmLab([blob])
    await lab.origin()
    const agent = await lab.agent()
    await read(lab, agent, here)
    await lab.clock.advance(swarmLimits.lingerMs + 1_000)
    expect(agent.engine.snapshot()).toEqual([])
    expect(agent.received).toEqual({ peer: 0, origin: here })
    expect(told(lab).filter((each) => each.startsWith('stopped'))).toEqual([])
    const other = await lab.agent()
    expect(Buffer.compare(await read(lab, other, here), blob.bytes.subarray(0, here))).toBe(0)
    expect(other.received).toEqual({ peer: here, origin: 0 })
    expect(Buffer.compare(await lab.run(agent.pull(blob)), blob.bytes)).toBe(0)
    expect(agent.received).toEqual({ peer: 0, origin: blob.bytes.length })
  })

  test('is announced no more once somebody finds that it was evicted, and nothing is stored for that', async () => {
    await using lab = swarmLab([blob])
    lab.sources.failPieces('SOURCES_EXHAUSTED')
    const first = await withPart(lab)
    expect(await first.store.dropPartial(blob.digest)).toBe(true)
    const second = await lab.agent()
    await expect(read(lab, second, here)).rejects.toThrow()
    await lab.clock.advance(1_000)
    expect(told(lab)).toContainEqual(expect.stringMatching(/^stopped/))
    expect(await first.store.partials()).toEqual([])
  })

  test('has its bytes compared with their hashes: what has rotted is given to nobody, and announced no more', async () => {
    await using lab = swarmLab([blob])
    lab.sources.failPieces('SOURCES_EXHAUSTED')
    const first = await withPart(lab)
    const partial = await first.store.openPartial(blob.digest, blob.map)
    const sound = partial.read.bind(partial)
    partial.read = async (...args) => (await sound(...args)).fill(0)
    const second = await lab.agent()
    await expect(read(lab, second, here)).rejects.toThrow()
    expect(second.received).toEqual({ peer: 0, origin: 0 })
    expect(told(lab)).toContainEqual(expect.stringMatching(/^stopped/))
  })
})

describe('ten thousand parts of blobs at an agent', () => {
  test('cost trackers as much as those few that were used last', async () => {
    const blobs = Array.from({ length: swarmLimits.maxPartsAtRest + 8 }, (_, at) => swarmBlob(at + 1, 300_000))
    await using lab = swarmLab(blobs)
    const agent = await lab.agent()
    for (const each of blobs) {
      await putPieces(agent.store, each, 1)
      await lab.clock.advance(5)
    }
    await seedParts(agent.store, agent.engine).start()
    await lab.clock.advance(50)
    const announced = () => lab.tracker.entries.filter(({ event }) => event === 'started').map(({ digest }) => digest)
    expect(announced()).toEqual(blobs.slice(-swarmLimits.maxPartsAtRest).map(({ digest }) => digest))
    agent.engine.seedPart({ digest: blobs[0]!.digest, map: blobs[0]!.map, bytes: 256 * 1024 })
    await lab.clock.advance(50)
    const gone = lab.tracker.entries.filter(({ event }) => event === 'stopped').map(({ digest }) => digest)
    expect(gone).toEqual([blobs.at(-swarmLimits.maxPartsAtRest)?.digest])
  })
})
