import { expect, test } from '@jest/globals'
import { seededRandom } from '../../../lib/base/index.ts'
import { pushImage } from '../../contract/registry/running-registry.ts'
import { eventually } from '../../kit/eventually.ts'
import { imageFixture } from '../../kit/image-fixture.ts'
import { pushBlobOf } from '../../kit/pushed-blob.ts'
import { registryClient } from '../../kit/registry-client.ts'
import { pullDigest } from '../../kit/slow-pull.ts'
import { startTopology, type Topology } from '../../kit/topology.ts'
import { untilNamed, untilUnnamed } from '../../kit/until-named.ts'

const MIB = 1024 * 1024

/** Payload bytes that the agent has fetched from peers and origins. */
async function fetched(shoal: Topology): Promise<number> {
  const from = (source: string) => shoal.counter('agent-1', 'shoal_received_bytes_total', `from="${source}"`)
  return (await from('peer')) + (await from('origin'))
}

/** Digests in the agent's cache. */
async function cached(shoal: Topology): Promise<readonly string[]> {
  const answer = await fetch(`${shoal.url('agent-1', 'admin')}/blobs`)
  const { blobs } = (await answer.json()) as { blobs: { digest: string }[] }
  return blobs.map(({ digest }) => digest)
}

test('an image that was pulled by tag is pulled again by digest when nothing else lives', async () => {
  await using shoal = await startTopology({ agents: 1, origins: 2, trackers: 2, processes: [] })
  const image = imageFixture(seededRandom(7), [3 * MIB + 1, 70_000, 0, 100])
  const name = 'kept/image'
  await pushImage(registryClient(shoal.url('proxy-1', 'registry')), name, image, ['t'])
  const agent = registryClient(shoal.url('agent-1', 'registry'))
  const blobs = [image.config, ...image.layers]
  const pull = async (reference: string) => {
    const manifest = await agent.send('GET', `/v2/${name}/manifests/${reference}`)
    expect([manifest.status, manifest.headers['content-type']]).toEqual([200, image.manifest.mediaType])
    expect(manifest.body.equals(image.manifest.bytes)).toBe(true)
    for (const { digest, bytes } of blobs) {
      const { status, body } = await agent.send('GET', `/v2/${name}/blobs/${digest}`)
      expect([status, body.equals(bytes)]).toEqual([200, true])
    }
  }
  await pull('t')
  const digests = [image.manifest, ...blobs].map(({ digest }) => digest)
  await eventually(async () => expect(await cached(shoal)).toEqual(expect.arrayContaining(digests)))
  const before = await fetched(shoal)
  const others = ['origin-1', 'origin-2', 'tracker-1', 'tracker-2', 'build-index-1', 'build-index-2']
  await Promise.all(others.map((id) => shoal.stop(id)))
  await pull(image.manifest.digest)
  expect(await fetched(shoal)).toBe(before)
})

test('an agent whose disk is full evicts the least recently used blob for a new one, and relays one that never fits', async () => {
  const overrides = ['agent.store.capacity=24MiB']
  await using shoal = await startTopology({ agents: 1, origins: 1, trackers: 1, processes: [], overrides })
  const pull = ({ path }: { readonly path: string }) => pullDigest(shoal.url('agent-1', 'registry') + path)
  const old = await pushBlobOf(shoal, 'full/old', 14 * MIB)
  const fresh = await pushBlobOf(shoal, 'full/fresh', 14 * MIB)
  const huge = await pushBlobOf(shoal, 'full/huge', 40 * MIB)
  expect(await pull(old)).toBe(old.digest)
  await eventually(async () => expect(await cached(shoal)).toEqual([old.digest]))
  await untilNamed(shoal, old.digest, ['agent-1'])
  // What somebody still reads is not evicted: until the agent has let go of the old one, it relays.
  await eventually(async () => {
    expect(await pull(fresh)).toBe(fresh.digest)
    expect(await cached(shoal)).toEqual([fresh.digest])
  })
  // What was evicted is named to nobody any more, though nobody has asked for it.
  await untilUnnamed(shoal, old.digest, 'agent-1')
  expect(await pull(huge)).toBe(huge.digest)
  expect(await cached(shoal)).not.toContain(huge.digest)
  expect(await pull(old)).toBe(old.digest)

  // So is what an origin has no longer.
  await untilNamed(shoal, old.digest, ['origin-1'])
  const evict = `${shoal.url('origin-1', 'admin')}/blobs/${old.digest}?force=true`
  expect((await fetch(evict, { method: 'DELETE' })).status).toBe(204)
  await untilUnnamed(shoal, old.digest, 'origin-1')
})
