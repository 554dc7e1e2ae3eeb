import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { digestHex } from '../../../lib/core/index.ts'
import { type PushedBlob, pushBlobOf } from '../../kit/pushed-blob.ts'
import { pullDigest } from '../../kit/slow-pull.ts'
import { startTopology, type Topology } from '../../kit/topology.ts'
import { untilNamed } from '../../kit/until-named.ts'

const size = 24 * 1024 * 1024

/** Inverts one byte in every piece of a blob in the folder of a stopped agent. */
async function spoil(shoal: Topology, agent: string, { digest }: PushedBlob): Promise<void> {
  const hex = digestHex(digest)
  const file = await open(join(shoal.data, agent, 'blobs', 'sha256', hex.slice(0, 2), hex, 'data'), 'r+')
  try {
    for (let at = 1000; at < size; at += 1024 * 1024) {
      const { buffer } = await file.read(Buffer.alloc(1), 0, 1, at)
      await file.write(Buffer.from([(buffer[0] ?? 0) ^ 0xff]), 0, 1, at)
    }
  } finally {
    await file.close()
  }
}

test('an agent that gives wrong bytes is banned, an honest one is not, and the pull completes', async () => {
  await using shoal = await startTopology({ agents: 3, origins: 1, trackers: 1, processes: [] })
  const blob = await pushBlobOf(shoal, 'lied/about', size)
  const pull = (agent: string) => pullDigest(shoal.url(agent, 'registry') + blob.path)
  await pull('agent-2')
  await pull('agent-3')
  await shoal.stop('agent-2')
  await spoil(shoal, 'agent-2', blob)
  await shoal.start('agent-2')
  await untilNamed(shoal, blob.digest, ['agent-2', 'agent-3'])

  expect(await pull('agent-1')).toBe(blob.digest)
  const counter = (name: string) => shoal.counter('agent-1', name)
  expect(await counter('shoal_swarm_bad_pieces_total')).toBeGreaterThan(0)
  expect(await counter('shoal_swarm_bans_total')).toBe(1)
  expect(await shoal.counter('agent-3', 'shoal_sent_bytes_total', 'to="peer"')).toBeGreaterThan(0)
})
