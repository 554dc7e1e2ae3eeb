import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { pushBlobOf } from '../../kit/pushed-blob.ts'
import { pullDigest } from '../../kit/slow-pull.ts'
import { tempFolder } from '../../kit/temp-folder.ts'
import { startTopology } from '../../kit/topology.ts'

const size = 200_000_000
const agents = ['agent-1', 'agent-2', 'agent-3'] as const
const origins = ['origin-1', 'origin-2', 'origin-3'] as const
const shape = { agents: agents.length, origins: origins.length, trackers: 2, processes: [] }

test('three cold agents take about one copy from limited origins, share it, and the backend is read once', async () => {
  await using folder = await tempFolder('cold')
  const data = folder.path
  const push = async () => {
    await using shoal = await startTopology({ ...shape, data })
    return await pushBlobOf(shoal, 'cold', size)
  }
  const { digest, path } = await push()
  for (const origin of origins) await rm(join(data, origin), { recursive: true })

  await using shoal = await startTopology({ ...shape, data, overrides: ['origin.limits.upload=20MB/s'] })
  const pulled = await Promise.all(agents.map((agent) => pullDigest(shoal.url(agent, 'registry') + path)))
  expect(pulled).toEqual([digest, digest, digest])

  const copies = (ids: readonly string[], name: string, label: string) =>
    Promise.all(ids.map(async (id) => (await shoal.counter(id, name, label)) / size))
  const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0)
  const fromOrigins = await copies(agents, 'shoal_received_bytes_total', 'from="origin"')
  const toPeers = await copies(agents, 'shoal_sent_bytes_total', 'to="peer"')
  const fromBackend = await copies(origins, 'shoal_received_bytes_total', 'from="backend"')
  expect(sum(fromBackend)).toBe(1)
  expect(sum(fromOrigins)).toBeLessThanOrEqual(1.5)
  for (const share of toPeers) expect(share).toBeGreaterThanOrEqual(0.1)
}, 300_000)
