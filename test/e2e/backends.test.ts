import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import {
  type ContainerTools,
  containerTools,
  type Dockerd,
  startContainerd,
  startDockerd,
} from '../kit/clients/index.ts'
import { eventually } from '../kit/eventually.ts'
import { greeting, type ImageLayout, layeredImage, makeImage } from '../kit/images/index.ts'
import { resourceStack } from '../kit/resource-stack.ts'
import { startTopology, type Topology } from '../kit/topology.ts'
import type { StoreRow } from './backends/backend-row.ts'
import { registryStore } from './backends/registry-backend.ts'
import { s3Store } from './backends/s3-backend.ts'
import { tosStore } from './backends/tos-backend.ts'

/** Every store that origins and build-indexes can stand in front of. */
const stores: readonly StoreRow[] = [tosStore, s3Store, registryStore]

const stack = resourceStack()
let tools: ContainerTools
let dockerd: Dockerd
let image: ImageLayout

/** More than one part of the drivers that read and write in parts. */
const largeBytes = 20_000_000
const setUpMs = 300_000
const storeMs = 240_000

beforeAll(async () => {
  tools = stack.own(await containerTools())
  image = await makeImage(join(tools.folder, 'image'), layeredImage({ largeBytes, seed: 'stores' }))
  dockerd = stack.own(await startDockerd({ containerd: stack.own(await startContainerd()) }))
}, setUpMs)

afterAll(async () => stack[Symbol.asyncDispose](), 60_000)

/** Loads the image into docker under `name`, pushes it from there, and gives its digest. */
async function dockerPush(name: string): Promise<string> {
  const archive = join(tools.folder, 'image.tar')
  await rm(archive, { force: true })
  await tools.skopeo(['copy', image.reference, `docker-archive:${archive}:${name}`])
  await dockerd.docker(['load', '--input', archive])
  return dockerd.push(name)
}

/** Digests of config and layers, as docker pushed them. */
async function contentsOf(registry: string, name: string, digest: string): Promise<readonly string[]> {
  const accept = 'application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.manifest.v1+json'
  const answer = await fetch(`${registry}/v2/${name}/manifests/${digest}`, { headers: { accept } })
  const { config, layers } = (await answer.json()) as { config: { digest: string }; layers: { digest: string }[] }
  return [config, ...layers].map((part) => part.digest)
}

/** Takes everything from the services that is not in the store. */
async function forget(cluster: Topology): Promise<void> {
  const { origin, agent, buildIndex } = cluster.plan
  const ids = [...origin, ...agent, ...buildIndex].map(({ id }) => id)
  await Promise.all(ids.map((id) => cluster.stop(id)))
  await Promise.all(ids.map((id) => rm(join(cluster.data, id), { recursive: true, force: true })))
  await Promise.all(ids.map((id) => cluster.start(id)))
}

describe.each(stores)('with $name as the store', (row) => {
  test(
    'docker pushes an image, the origins lose their disks, and docker pulls it and runs it',
    async () => {
      await using resources = resourceStack()
      const store = resources.own(await row.start(tools.folder))
      const cluster = resources.own(
        await startTopology({ agents: 1, origins: 2, trackers: 1, stores: { blobs: store.blobs, index: store.index } }),
      )
      const host = (id: string) => new URL(cluster.url(id, 'registry')).host
      const digest = await dockerPush(`${host('proxy-1')}/team/image:t1`)
      const contents = await contentsOf(cluster.url('proxy-1', 'registry'), 'team/image', digest)
      await eventually(async () => {
        for (const content of contents) expect(await store.has(content)).toBe(true)
      })
      expect(store.indexObjects?.() ?? 1).toBeGreaterThan(0)

      if (store.image !== undefined) {
        const inspect = ['inspect', '--format', '{{.Digest}}', `docker://${store.image}`]
        expect((await tools.skopeo(inspect)).stdout.trim()).toBe(digest)
      }

      await forget(cluster)
      await dockerd.removeImages()
      const given = contents.map((content) => store.bytesGiven(content))
      const pulled = `${host('agent-1')}/team/image:t1`
      expect(await dockerd.pull(pulled)).toBe(digest)
      expect(await dockerd.run(pulled)).toBe(`${greeting}\n`)
      const taken = contents.map((content, i) => store.bytesGiven(content) - (given[i] ?? 0))
      expect(Math.min(...taken)).toBeGreaterThan(0)
      expect(Math.max(...taken)).toBeGreaterThanOrEqual(largeBytes)
    },
    storeMs,
  )
})
