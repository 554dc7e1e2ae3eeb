import { describe, expect, test } from '@jest/globals'
import { type PullClass, parseRepository } from '../../../lib/core/index.ts'
import { type SwarmBlob, swarmBlob } from '../../kit/swarm-blob.ts'
import { type LabNode, putBlob, type SwarmLab, swarmLab } from '../../kit/swarm-lab.ts'

const MIB = 1024 * 1024
const RATE = 4 * MIB
const blobs = [1, 2, 3].map((seed) => swarmBlob(seed, 32 * MIB))
const [first, second, third] = blobs as [SwarmBlob, SwarmBlob, SwarmBlob]
const small = swarmBlob(4, 4 * MIB)
const repository = parseRepository('lab')

/** Until the end of the lab. */
function startPull(node: LabNode, blob: SwarmBlob, pullClass?: PullClass): void {
  node.pull(blob, { pullClass }).catch(() => undefined)
}

/** Bytes of the blob that are here. */
function heldOf({ engine }: LabNode, blob: SwarmBlob): number {
  const torrent = engine.snapshot().find(({ digest }) => digest === blob.digest)
  return torrent === undefined ? 0 : blob.bytes.length - torrent.leftBytes
}

async function seeder(lab: SwarmLab, ...held: readonly SwarmBlob[]): Promise<void> {
  const agent = await lab.agent()
  for (const blob of held) {
    await putBlob(agent.store, blob)
    agent.engine.seed({ digest: blob.digest, repository }, blob.bytes.length)
  }
  await lab.clock.advance(50)
}

describe('where the rate is limited, pulls get by the weights of their classes', () => {
  test('of the upload rate of an origin, also where a low one began before and has many peers', async () => {
    await using lab = swarmLab(blobs)
    await lab.origin({ uploadBytesPerSecond: RATE })
    const low = await Promise.all(Array.from({ length: 4 }, () => lab.agent()))
    for (const agent of low) startPull(agent, first, 'low')
    await lab.clock.advance(1_000)
    const [high, usual] = [await lab.agent(), await lab.agent()]
    startPull(high, second, 'high')
    startPull(usual, third)
    await lab.clock.advance(1_000)
    const lows = () => low.reduce((sum, agent) => sum + agent.received.origin, 0)
    const before = [heldOf(high, second), heldOf(usual, third), lows()] as const
    await lab.clock.advance(5_000)
    const [gotHigh, gotUsual, gotLow] = [
      heldOf(high, second) - before[0],
      heldOf(usual, third) - before[1],
      lows() - before[2],
    ]
    expect(gotHigh / gotUsual).toBeGreaterThan(2.5)
    expect(gotUsual / gotLow).toBeGreaterThan(1.5)
    // The lowest class gets its part: a twenty-first.
    expect(gotLow).toBeGreaterThan((5 * RATE) / 21 / 2)
  })

  test('of the download rate of an agent', async () => {
    await using lab = swarmLab(blobs)
    for (let at = 0; at < 3; at += 1) await seeder(lab, first, second)
    const agent = await lab.agent({ downloadBytesPerSecond: RATE })
    startPull(agent, first, 'low')
    await lab.clock.advance(2_000)
    const before = heldOf(agent, first)
    startPull(agent, second, 'high')
    await lab.clock.advance(6_000)
    const gotLow = heldOf(agent, first) - before
    expect(heldOf(agent, second) / gotLow).toBeGreaterThan(4)
    expect(gotLow).toBeGreaterThan(MIB / 2)
  })

  test('of a reader that joins, all that is asked for already goes by the higher class', async () => {
    await using lab = swarmLab(blobs)
    for (let at = 0; at < 3; at += 1) await seeder(lab, first, second)
    const agent = await lab.agent({ downloadBytesPerSecond: RATE })
    startPull(agent, first, 'low')
    startPull(agent, second)
    await lab.clock.advance(2_000)
    const before = [heldOf(agent, first), heldOf(agent, second)] as const
    startPull(agent, first, 'high')
    await lab.clock.advance(4_000)
    expect((heldOf(agent, first) - before[0]) / (heldOf(agent, second) - before[1])).toBeGreaterThan(2)
  })
})

describe('what is withheld', () => {
  const gives = { gives: () => false, givesBlob: () => Promise.resolve(false) }

  test('is given to no peer, while the node itself has it from others', async () => {
    await using lab = swarmLab([small])
    await lab.origin()
    const [miser, other] = [await lab.agent({ gives }), await lab.agent()]
    startPull(other, small)
    expect(Buffer.compare(await lab.run(miser.pull(small)), small.bytes)).toBe(0)
    await lab.run(other.pull(small))
    const third = await lab.agent()
    await lab.run(third.pull(small))
    expect([miser.sentToPeers, other.sentToPeers > 0]).toEqual([0, true])
  })
})
