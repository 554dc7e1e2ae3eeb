import { expect, test } from '@jest/globals'
import { swarmBlob } from '../../kit/swarm-blob.ts'
import { type LabNode, type SwarmLab, swarmLab } from '../../kit/swarm-lab.ts'

const MIB = 1024 * 1024

/** All agents pull all blobs at once; gives the copies that left the origins, over the wire and over HTTP. */
async function copiesFrom(lab: SwarmLab, origins: readonly LabNode[], pull: { agents: number; layers: number }) {
  const blobs = Array.from({ length: pull.layers }, (_, at) => swarmBlob(at + 1, 4 * MIB))
  const agents: LabNode[] = []
  for (let at = 0; at < pull.agents; at += 1) agents.push(await lab.agent())
  const got = await lab.run(Promise.all(agents.flatMap((agent) => blobs.map((blob) => agent.pull(blob)))))
  for (const [at, bytes] of got.entries()) {
    expect(Buffer.compare(bytes, blobs[at % blobs.length]?.bytes ?? Buffer.of())).toBe(0)
  }
  const wire = agents.reduce((sum, agent) => sum + agent.received.origin, 0)
  expect(origins.length).toBeGreaterThan(0)
  return wire / (pull.layers * 4 * MIB)
}

test.each([
  [20, 1, 1],
  [20, 4, 1],
  [50, 1, 1],
  [50, 4, 1],
  [20, 1, 3],
])(
  '%i agents that pull %i layers at once take at most one and a half copies from %i origins',
  async (agents, layers, count) => {
    const blobs = Array.from({ length: layers }, (_, at) => swarmBlob(at + 1, 4 * MIB))
    await using lab = swarmLab(blobs)
    const origins: LabNode[] = []
    for (let at = 0; at < count; at += 1) origins.push(await lab.origin())
    expect(await copiesFrom(lab, origins, { agents, layers })).toBeLessThanOrEqual(1.5)
  },
  120_000,
)
