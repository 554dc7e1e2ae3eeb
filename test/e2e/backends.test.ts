import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { type RealClients, startRealClients } from '../kit/clients/index.ts'
import { eventually } from '../kit/eventually.ts'
import { greeting } from '../kit/images/index.ts'
import { resourceStack } from '../kit/resource-stack.ts'
import { startTopology, type Topology } from '../kit/topology.ts'
import type { BackendRow } from './backends/backend-row.ts'
import { registryRow } from './backends/registry-backend.ts'
import { s3Row } from './backends/s3-backend.ts'
import { tosRow } from './backends/tos-backend.ts'

/** Every kind of backend for origins and build-indexes. */
const backends: readonly BackendRow[] = [tosRow, s3Row, registryRow]

const stack = resourceStack()
let clients: RealClients

/** More than one part for drivers that transfer in parts. */
const largeBytes = 20_000_000
const setUpMs = 300_000
const backendMs = 240_000

beforeAll(async () => {
  clients = stack.own(await startRealClients({ largeBytes, seed: 'backends' }))
}, setUpMs)

afterAll(async () => stack[Symbol.asyncDispose]())

/** Digests of the config and the layers that docker pushed. */
async function contentsOf(registry: string, name: string, digest: string): Promise<readonly string[]> {
  const accept = 'application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.manifest.v1+json'
  const answer = await fetch(`${registry}/v2/${name}/manifests/${digest}`, { headers: { accept } })
  const { config, layers } = (await answer.json()) as { config: { digest: string }; layers: { digest: string }[] }
  return [config, ...layers].map((part) => part.digest)
}

/** Removes from the services everything that is not in the backend. */
async function forget(cluster: Topology): Promise<void> {
  const { origin, agent, buildIndex } = cluster.plan
  const ids = [...origin, ...agent, ...buildIndex].map(({ id }) => id)
  await Promise.all(ids.map((id) => cluster.stop(id)))
  await Promise.all(ids.map((id) => rm(join(cluster.data, id), { recursive: true, force: true })))
  await Promise.all(ids.map((id) => cluster.start(id)))
}

describe.each(backends)('with $name as the backend', (row) => {
  test(
    'docker pushes an image, the origins lose their disks, and docker pulls it and runs it',
    async () => {
      await using resources = resourceStack()
      const { tools, dockerd, image } = clients
      const backend = resources.own(await row.start(tools.folder))
      const cluster = resources.own(
        await startTopology({
          agents: 1,
          origins: 2,
          trackers: 1,
          backends: { blobs: backend.blobs, index: backend.index },
        }),
      )
      const host = (id: string) => new URL(cluster.url(id, 'registry')).host
      const pushed = `${host('proxy-1')}/team/image:t1`
      await clients.load(image, pushed)
      const digest = await dockerd.push(pushed)
      const contents = await contentsOf(cluster.url('proxy-1', 'registry'), 'team/image', digest)
      await eventually(async () => {
        for (const content of contents) expect(await backend.has(content)).toBe(true)
      })
      expect(backend.indexObjects?.() ?? 1).toBeGreaterThan(0)

      if (backend.image !== undefined) {
        const inspect = ['inspect', '--format', '{{.Digest}}', `docker://${backend.image}`]
        expect((await tools.skopeo(inspect)).stdout.trim()).toBe(digest)
      }

      await forget(cluster)
      await dockerd.removeImages()
      const given = contents.map((content) => backend.bytesGiven(content))
      const pulled = `${host('agent-1')}/team/image:t1`
      expect(await dockerd.pull(pulled)).toBe(digest)
      expect(await dockerd.run(pulled)).toBe(`${greeting}\n`)
      const taken = contents.map((content, i) => backend.bytesGiven(content) - (given[i] ?? 0))
      expect(Math.min(...taken)).toBeGreaterThan(0)
      expect(Math.max(...taken)).toBeGreaterThanOrEqual(largeBytes)
    },
    backendMs,
  )
})
