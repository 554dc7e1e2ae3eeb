import { cp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { seededRandom } from '../../../lib/base/index.ts'
import { pushImage } from '../../contract/registry/running-registry.ts'
import { eventually } from '../../kit/eventually.ts'
import { type FixtureImage, imageFixture } from '../../kit/image-fixture.ts'
import { type RegistryClient, registryClient } from '../../kit/registry-client.ts'
import { buildResource } from '../../kit/resource-stack.ts'
import { tempFolder } from '../../kit/temp-folder.ts'
import { startTopology, type Topology } from '../../kit/topology.ts'

const NAME = 'team/app'
const MOVING_TAG = 'latest'
const random = seededRandom(53)

const fileBackends = (folder: string) => ({
  blobs: { driver: 'file', folder: join(folder, 'blobs') },
  index: { driver: 'file', folder: join(folder, 'index') },
})

/** The config from docs/operations.md, "Moving to another backend". */
const shadowOf = (from: string, to: string) => {
  const [old, next] = [fileBackends(from), fileBackends(to)]
  const two = { driver: 'shadow', writes: 'both', copyOnRead: true }
  return {
    blobs: { ...two, primary: next.blobs, secondary: old.blobs },
    index: { ...two, primary: next.index, secondary: old.index },
  }
}

/** A cluster in this process on the backend `from`, and the folder of a backend `to` that does not exist yet. */
const startLab = () =>
  buildResource(async (stack) => {
    const folder = stack.own(await tempFolder('backends')).path
    const [from, to] = [join(folder, 'from'), join(folder, 'to')]
    const counts = { agents: 1, origins: 2, trackers: 1 }
    const shoal = stack.own(await startTopology({ ...counts, processes: [], backends: fileBackends(from) }))
    const proxy = registryClient(shoal.url('proxy-1', 'registry'))
    const agent = registryClient(shoal.url('agent-1', 'registry'))
    return { shoal, from, to, proxy, agent, pushed: new Map<string, FixtureImage>() }
  })

type Lab = Awaited<ReturnType<typeof startLab>>

/** Pushes a new image under a tag of its own and under the moving tag; retries failed pushes, as docker does. */
async function pushNext({ proxy, pushed }: Lab): Promise<void> {
  const image = imageFixture(random, [2_000, 300_000])
  const tag = `v${pushed.size + 1}`
  await eventually(() => pushImage(proxy, NAME, image, [tag, MOVING_TAG]))
  pushed.set(tag, image).set(MOVING_TAG, image)
}

async function pullSame(client: RegistryClient, tag: string, image: FixtureImage): Promise<void> {
  const manifest = await client.send('GET', `/v2/${NAME}/manifests/${tag}`)
  expect([tag, manifest.status, manifest.headers['docker-content-digest']]).toEqual([tag, 200, image.manifest.digest])
  for (const { digest, bytes } of [image.config, ...image.layers]) {
    const blob = await client.send('GET', `/v2/${NAME}/blobs/${digest}`)
    expect([tag, blob.status, blob.body.equals(bytes)]).toEqual([tag, 200, true])
  }
}

/** Runs `step` while a client pushes and pulls; afterwards the client does it once more. */
async function meanwhile(lab: Lab, step: () => Promise<void>): Promise<void> {
  await Promise.all([step(), use(lab)])
  await use(lab)
}

async function use(lab: Lab): Promise<void> {
  await pushNext(lab)
  const [first, last] = ['v1', `v${lab.pushed.size - 1}`]
  for (const tag of [first, last]) {
    const image = lab.pushed.get(tag)
    if (image !== undefined) await eventually(() => pullSame(lab.proxy, tag, image))
  }
  const image = lab.pushed.get(last)
  if (image !== undefined) await eventually(() => pullSame(lab.agent, last, image))
}

async function onNewDisk(shoal: Topology, id: string, start: () => Promise<void>): Promise<void> {
  await shoal.stop(id)
  await rm(join(shoal.data, id), { recursive: true, force: true })
  await start()
}

const ids = (instances: readonly { readonly id: string }[]) => instances.map(({ id }) => id)

test('a cluster that is in use moves to another backend, and has everything when the old one is gone', async () => {
  await using lab = await startLab()
  const { shoal, from, to, pushed } = lab
  const origins = ids(shoal.plan.origin)
  const indexes = ids(shoal.plan.buildIndex)
  const [shadow, alone] = [shadowOf(from, to), fileBackends(to)]
  for (let i = 0; i < 3; i += 1) await pushNext(lab)

  // Empty the disks, so that the origins have to read from the backends.
  for (const id of origins) {
    await meanwhile(lab, () => onNewDisk(shoal, id, () => shoal.start(id, shadow)))
  }
  await meanwhile(lab, async () => {
    for (const id of indexes) await shoal.stop(id)
    for (const id of indexes) await shoal.start(id, shadow)
  })
  await eventually(async () => {
    const copied = origins.map((id) => shoal.counter(id, 'shoal_shadow_copies_total', 'outcome="copied"'))
    expect(Math.max(...(await Promise.all(copied)))).toBeGreaterThan(0)
  })
  await meanwhile(lab, async () => {
    for (const kind of ['blobs', 'index']) {
      const objects = [from, to].map((folder) => join(folder, kind, 'objects')) as [string, string]
      await cp(...objects, { recursive: true, force: false })
    }
  })
  for (const id of [...origins, ...indexes]) {
    await meanwhile(lab, async () => {
      await shoal.stop(id)
      await shoal.start(id, alone)
    })
  }

  await rm(from, { recursive: true })
  for (const id of origins) await onNewDisk(shoal, id, () => shoal.start(id, alone))
  for (const id of ids(shoal.plan.agent)) await onNewDisk(shoal, id, () => shoal.start(id))
  for (const [tag, image] of pushed) await pullSame(lab.agent, tag, image)
}, 300_000)
