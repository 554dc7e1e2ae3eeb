import { expect, test } from '@jest/globals'
import { digestOf } from '../../../lib/core/index.ts'
import { eventually } from '../../kit/eventually.ts'
import { gatedStore } from '../../kit/gated-store.ts'
import { type PushedBlob, pushBlobOf } from '../../kit/pushed-blob.ts'
import { pullDigest, slowPull } from '../../kit/slow-pull.ts'
import { startTopology, type Topology } from '../../kit/topology.ts'

const MIB = 1024 * 1024
const shape = { agents: 1, origins: 1, trackers: 1 }

/** Reads the whole metainfo stream; after that the origin reads the blob only to send it. */
async function untilHashed(shoal: Topology, { digest }: PushedBlob): Promise<void> {
  const answer = await fetch(`${shoal.url('origin-1')}/namespace/any/blobs/${digest}/metainfo`)
  await answer.arrayBuffer()
}

/** Bytes that the agent still lacks of the only blob that it pulls. */
async function leftBytes(shoal: Topology): Promise<number> {
  const [swarm] = (await (await fetch(`${shoal.url('agent-1', 'admin')}/swarms`)).json()) as { leftBytes: number }[]
  if (swarm === undefined) throw new Error('the agent pulls nothing')
  return swarm.leftBytes
}

test('a client has its first byte while the origin holds back all but the first tenth, and then the rest', async () => {
  const gate = gatedStore()
  const originParts = () => ({ wrapStore: gate.wrap })
  await using shoal = await startTopology({ ...shape, processes: [], originParts })
  const blob = await pushBlobOf(shoal, 'tenth', 40 * MIB)
  await untilHashed(shoal, blob)
  gate.openTo(4 * MIB)
  const pull = await slowPull(shoal.url('agent-1', 'registry') + blob.path)
  await pull.readTo(1)
  gate.openTo(Number.POSITIVE_INFINITY)
  expect(await pull.finish()).toBe(blob.digest)
})

test('an agent killed half-way fetches only what it lacks after its restart', async () => {
  const size = 200_000_000
  const gate = gatedStore()
  const originParts = () => ({ wrapStore: gate.wrap })
  await using shoal = await startTopology({ ...shape, processes: ['agent-1'], originParts })
  const blob = await pushBlobOf(shoal, 'half', size)
  await untilHashed(shoal, blob)
  gate.openTo(size / 2)
  const url = shoal.url('agent-1', 'registry') + blob.path
  const cut = await slowPull(url)
  // The kill makes the pull fail.
  const ended = cut.finish().catch(() => 'cut')
  const missing = await eventually(async () => {
    const left = await leftBytes(shoal)
    if (left > size * 0.52) throw new Error(`${left} bytes are left`)
    return left
  })
  await shoal.kill('agent-1')
  expect(await ended).toBe('cut')

  await shoal.start('agent-1')
  gate.openTo(Number.POSITIVE_INFINITY)
  expect(await pullDigest(url)).toBe(digestOf(blob.bytes))
  const second = await shoal.counter('agent-1', 'shoal_received_bytes_total', 'from="origin"')
  expect(missing).toBeGreaterThan(size * 0.45)
  expect(second).toBeLessThanOrEqual(missing * 1.05)
})
