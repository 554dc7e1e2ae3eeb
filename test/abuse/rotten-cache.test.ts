import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { PieceMap } from '../../lib/core/index.ts'
import { eventually } from '../kit/eventually.ts'
import { gatedStore } from '../kit/gated-store.ts'
import { type PushedBlob, pushBlobOf } from '../kit/pushed-blob.ts'
import { pullDigest } from '../kit/slow-pull.ts'
import { swarmBlob } from '../kit/swarm-blob.ts'
import { putBlob, swarmLab } from '../kit/swarm-lab.ts'
import { startTopology, type Topology } from '../kit/topology.ts'

/** Somebody, or a dying disk, changes bytes of the cache of an agent. */

const SIZE = 5_000_000
const DAMAGED = new PieceMap(SIZE).pieceLength + 5

/** Inverts one byte of a blob in the agent's cache, in place. */
async function damage(shoal: Topology, { digest, bytes }: PushedBlob): Promise<void> {
  const folder = String(shoal.plan.agent[0]?.config['folder'])
  const path = join(folder, 'blobs/sha256', digest.slice(7, 9), digest.slice(7), 'data')
  const file = await open(path, 'r+')
  await file.write(Uint8Array.of((bytes[DAMAGED] ?? 0) ^ 0xff), 0, 1, DAMAGED)
  await file.close()
}

test('what was read of a blob that turned out to be damaged is given to nobody once its good copy is here', async () => {
  const blob = swarmBlob(3, 3_000_000)
  await using lab = swarmLab([blob])
  await lab.origin()
  const reading = gatedStore()
  reading.corrupt(() => true)
  const agent = await lab.agent({ wrapStore: reading.wrap })
  await putBlob(agent.store, blob)
  agent.engine.seed({ digest: blob.digest }, blob.bytes.length)
  const pulledRight = async () => Buffer.compare(await lab.run(agent.pull(blob)), blob.bytes) === 0
  expect(await pulledRight()).toBe(false)
  reading.corrupt(() => false)
  await agent.store.delete(blob.digest)
  agent.engine.forget(blob.digest)
  expect(await pulledRight()).toBe(true)
  await lab.clock.advance(1_000)
  expect(await pulledRight()).toBe(true)
})

test('a cached blob that is damaged at rest is found, given to nobody any more, and brought again right', async () => {
  const overrides = ['agent.scrub.period=1s', 'agent.scrub.rate=unlimited']
  const size = { agents: 1, origins: 1, trackers: 1 }
  await using shoal = await startTopology({ ...size, overrides, processes: ['agent-1'] })
  const blob = await pushBlobOf(shoal, 'team/rests', SIZE)
  const sound = await pushBlobOf(shoal, 'team/sound', 3_000_000)
  const pull = ({ path }: PushedBlob) => pullDigest(shoal.url('agent-1', 'registry') + path)
  const scrubbed = (outcome: string) => shoal.counter('agent-1', 'shoal_scrub_blobs_total', `outcome="${outcome}"`)
  const seeds = () => shoal.counter('tracker-1', 'shoal_tracker_seeds')
  const cached = async () => {
    const { blobs } = (await (await fetch(`${shoal.url('agent-1', 'admin')}/blobs`)).json()) as {
      blobs: { digest: string }[]
    }
    return blobs.map(({ digest }) => digest)
  }
  for (const each of [blob, sound]) expect(await pull(each)).toBe(each.digest)
  await eventually(async () => expect(await seeds()).toBe(4))
  await eventually(async () => expect(await scrubbed('good')).toBeGreaterThanOrEqual(2))
  await damage(shoal, blob)
  await eventually(async () => expect(await scrubbed('removed')).toBe(1))
  expect(await cached()).toEqual([sound.digest])
  await eventually(async () => expect(await seeds()).toBe(3))
  expect(shoal.logs('agent-1')).toMatch(new RegExp(`"code":"STORE_CORRUPT".*"digest":"${blob.digest}"`))
  expect(await pull(blob)).toBe(blob.digest)
  await eventually(async () => expect(await seeds()).toBe(4))
  expect(await scrubbed('removed')).toBe(1)
})
