import { expect, test } from '@jest/globals'
import { newPeerId, type PeerId } from '../../../lib/core/index.ts'
import { type SwarmBlob, swarmBlob } from '../../kit/swarm-blob.ts'
import { type LabNode, type SwarmLab, swarmLab } from '../../kit/swarm-lab.ts'

const MIB = 1024 * 1024
const PIECE = MIB / 4

test('what agents are given over HTTP and over the wire is counted together', async () => {
  const blob = swarmBlob(1, 4 * MIB)
  await using lab = swarmLab([blob])
  const origin = await lab.origin()
  const [first, second] = [newPeerId(lab.random), newPeerId(lab.random)]
  const ask = (agent: PeerId, start: number, end: number) =>
    origin.engine.admitOverHttp(blob.digest, agent, { start: start * PIECE, end: end * PIECE })
  expect(ask(first, 0, 1)).toEqual({ pieces: 1, retryAfterMs: 0, peers: [] })
  expect(ask(second, 1, 2)).toEqual({ pieces: 1, retryAfterMs: 0, peers: [] })
  expect(ask(second, 0, 1)).toEqual({ pieces: 0, retryAfterMs: 3_000, peers: [] })
  expect(ask(first, 0, 3)).toEqual({ pieces: 1, retryAfterMs: 3_000, peers: [] })
  expect(origin.metrics.value('shoal_swarm_admission_total', { answer: 'busy' })).toBe(2)
  await lab.clock.advance(3_000)
  expect(ask(second, 0, 1)?.pieces).toBe(1)
})

/** All agents pull all blobs at once; gives the copies that left the origins, over the wire and over HTTP. */
async function copiesFrom(lab: SwarmLab, blobs: readonly SwarmBlob[], count: number) {
  const agents: LabNode[] = []
  for (let at = 0; at < count; at += 1) agents.push(await lab.agent())
  const got = await lab.run(Promise.all(agents.flatMap((agent) => blobs.map((blob) => agent.pull(blob)))))
  for (const [at, bytes] of got.entries()) {
    expect(Buffer.compare(bytes, blobs[at % blobs.length]?.bytes ?? Buffer.of())).toBe(0)
  }
  return agents.reduce((sum, agent) => sum + agent.received.origin, 0) / (blobs.length * 4 * MIB)
}

test.each([
  [20, 1, 1],
  [20, 4, 1],
  [50, 1, 1],
  [20, 1, 3],
])(
  '%i agents that pull %i layers at once take at most one and a half copies from %i origins',
  async (agents, layers, count) => {
    const blobs = Array.from({ length: layers }, (_, at) => swarmBlob(at + 1, 4 * MIB))
    await using lab = swarmLab(blobs)
    for (let at = 0; at < count; at += 1) await lab.origin()
    expect(await copiesFrom(lab, blobs, agents)).toBeLessThanOrEqual(1.5)
  },
)
