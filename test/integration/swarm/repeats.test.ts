import { expect, test } from '@jest/globals'
import { parseRepository } from '../../../lib/core/index.ts'
import { gatedStore } from '../../kit/gated-store.ts'
import { type SwarmBlob, swarmBlob } from '../../kit/swarm-blob.ts'
import { type LabNode, type LabNodeInit, putBlob, type SwarmLab, swarmLab } from '../../kit/swarm-lab.ts'

const MIB = 1024 * 1024

async function seeder(lab: SwarmLab, blob: SwarmBlob, init: LabNodeInit): Promise<LabNode> {
  const agent = await lab.agent(init)
  await putBlob(agent.store, blob)
  agent.engine.seed({ digest: blob.digest, repository: parseRepository('lab') }, blob.bytes.length)
  await lab.clock.advance(50)
  return agent
}

test('with one of three peers that stalls, its pieces come from another one before any request is given up', async () => {
  const blob = swarmBlob(1, 24 * MIB)
  await using lab = swarmLab([blob])
  const gate = gatedStore(0)
  const stalled = await seeder(lab, blob, { wrapStore: gate.wrap })
  const limit = { uploadBytesPerSecond: 8 * MIB }
  await seeder(lab, blob, limit)
  await seeder(lab, blob, limit)
  const agent = await lab.agent()
  const handle = await agent.engine.open({ digest: blob.digest, repository: parseRepository('lab') })
  const order: string[] = []
  const chunks: Uint8Array[] = []
  const repeats = () => agent.metrics.value('shoal_swarm_repeats_total', { why: 'reader' })
  const reading = (async () => {
    for await (const chunk of handle.read()) {
      // The reader gets no further than the pieces of the stalled peer before these are asked of another one.
      if (repeats() > 0 && !order.includes('asked again')) order.push('asked again')
      chunks.push(chunk as Uint8Array)
    }
    order.push('read')
  })()
  await lab.run(reading)
  handle.close()
  await lab.clock.advance(50)
  expect(order).toEqual(['asked again', 'read'])
  expect(Buffer.compare(Buffer.concat(chunks), blob.bytes)).toBe(0)
  expect(stalled.sentToPeers).toBe(0)
  // Only the stalled one is said to have failed: others were faster, and it had given nothing for long.
  const reports = lab.tracker.entries.flatMap((entry) => entry.reports)
  const failed = reports.filter(({ failures }) => failures > 0).map(({ peerId }) => peerId)
  expect([...new Set(failed)]).toEqual([stalled.peerId])
  expect(agent.metrics.value('shoal_swarm_wasted_bytes_total', { why: 'late' })).toBe(0)
})
