import { describe, expect, test } from '@jest/globals'
import { parseRepository } from '../../../lib/core/index.ts'
import { type SwarmBlob, swarmBlob } from '../../kit/swarm-blob.ts'
import { type LabNode, putBlob, type SwarmLab, swarmLab } from '../../kit/swarm-lab.ts'

const MIB = 1024 * 1024
const RATE = 4 * MIB
const layer = swarmBlob(1, 96 * MIB)
const small = swarmBlob(2, MIB)
const other = swarmBlob(3, 32 * MIB)

/** An agent that has and offers the blobs. */
async function seeder(lab: SwarmLab, ...blobs: readonly SwarmBlob[]): Promise<LabNode> {
  const agent = await lab.agent()
  for (const blob of blobs) {
    await putBlob(agent.store, blob)
    agent.engine.seed({ digest: blob.digest, repository: parseRepository('lab') }, blob.bytes.length)
  }
  await lab.clock.advance(50)
  return agent
}

/** Until the end of the lab. */
function startPull(node: LabNode, blob: SwarmBlob): void {
  node.pull(blob).catch(() => undefined)
}

async function timeOf(lab: SwarmLab, pull: Promise<Uint8Array>): Promise<number> {
  const startMs = lab.clock.monotonicMs()
  await lab.run(pull)
  return lab.clock.monotonicMs() - startMs
}

describe('a node with a limited download rate', () => {
  test('gets a small blob at once, however many peers give a large one', async () => {
    await using lab = swarmLab([layer, small])
    for (let at = 0; at < 12; at += 1) await seeder(lab, layer, small)
    const agent = await lab.agent({ downloadBytesPerSecond: RATE })
    startPull(agent, layer)
    await lab.clock.advance(2_000)
    // The small one's mebibyte alone takes 250 ms, and every second turn is the large one's.
    expect(await timeOf(lab, agent.pull(small))).toBeLessThan(700)
  })

  test('gives a blob with one peer as much as a blob with many', async () => {
    await using lab = swarmLab([layer, other])
    for (let at = 0; at < 12; at += 1) await seeder(lab, layer)
    await seeder(lab, other)
    const agent = await lab.agent({ downloadBytesPerSecond: RATE })
    startPull(agent, layer)
    startPull(agent, other)
    await lab.clock.advance(8_000)
    const [left, otherLeft] = [layer, other].map((blob) => {
      const torrent = agent.engine.snapshot().find(({ digest }) => digest === blob.digest)
      return torrent === undefined ? 0 : blob.bytes.length - torrent.leftBytes
    })
    expect(otherLeft).toBeGreaterThan(left! * 0.8)
    expect(left).toBeGreaterThan(otherLeft! * 0.8)
  })

  // The seed decides which pieces are asked for before the reader's next one.
  test.each([1, 2, 3, 4, 5, 6])('lets nobody who waits for it fail as stalled, with seed %i', async (seed) => {
    const blob = swarmBlob(4, 3 * MIB)
    await using lab = swarmLab([blob], seed)
    await seeder(lab, blob)
    const agent = await lab.agent({ downloadBytesPerSecond: 20_000 })
    expect(Buffer.compare(await lab.run(agent.pull(blob)), blob.bytes)).toBe(0)
    expect(lab.sources.piecesSent).toBe(0)
  })
})

describe('a node with a limited upload rate', () => {
  test('gives a small blob at once, however many peers want a large one', async () => {
    await using lab = swarmLab([layer, small])
    await lab.origin({ uploadBytesPerSecond: RATE })
    const agents = await Promise.all(Array.from({ length: 12 }, () => lab.agent()))
    for (const agent of agents) startPull(agent, layer)
    await lab.clock.advance(2_000)
    expect(await timeOf(lab, (await lab.agent()).pull(small))).toBeLessThan(700)
  })
})
