import { describe, expect, test } from '@jest/globals'
import { seededRandom } from '../../../lib/base/index.ts'
import { type Digest, digestOf } from '../../../lib/core/index.ts'
import { pushImage } from '../../contract/registry/running-registry.ts'
import { cipherBytes } from '../../kit/cipher-bytes.ts'
import { eventually } from '../../kit/eventually.ts'
import { type FixtureImage, imageFixture } from '../../kit/image-fixture.ts'
import { registryClient } from '../../kit/registry-client.ts'
import { buildResource } from '../../kit/resource-stack.ts'
import { type ShiftedClock, shiftedClock } from '../../kit/shifted-clock.ts'
import { startTopology, type Topology } from '../../kit/topology.ts'

/** Above the size of what travels inside a header, and below it. */
const LAYERS = [300_000, 500]
const INDEXES = ['build-index-1', 'build-index-2']

interface Lab {
  readonly shoal: Topology
  readonly clock: ShiftedClock
  readonly image: FixtureImage
  readonly proxy: ReturnType<typeof registryClient>
  readonly agent: ReturnType<typeof registryClient>
}

/** A cluster with an image in `team/app`, and an agent whose time the test puts forward. */
function startLab(overrides: readonly string[] = []): Promise<Lab & AsyncDisposable> {
  return buildResource<Lab>(async (stack) => {
    const clock = shiftedClock()
    const shoal = stack.own(
      await startTopology({
        ...{ agents: 1, origins: 1, trackers: 1, processes: [], optional: true, overrides },
        agentParts: () => ({ clock }),
      }),
    )
    const proxy = registryClient(shoal.url('proxy-1', 'registry'))
    const image = imageFixture(seededRandom(41), LAYERS)
    await pushImage(proxy, 'team/app', image, ['t'])
    return { shoal, clock, image, proxy, agent: registryClient(shoal.url('agent-1', 'registry')) }
  })
}

const contentsOf = ({ config, layers }: FixtureImage) => [config, ...layers]
const blobPath = (name: string, digest: Digest) => `/v2/${name}/blobs/${digest}`
const manifestPath = (name: string, digest: Digest) => `/v2/${name}/manifests/${digest}`

/** The statuses of the manifest and of all blobs, by digest. */
async function statuses({ agent, image }: Lab, name = 'team/app'): Promise<readonly number[]> {
  const paths = [
    manifestPath(name, image.manifest.digest),
    ...contentsOf(image).map(({ digest }) => blobPath(name, digest)),
  ]
  return Promise.all(paths.map(async (path) => (await agent.send('GET', path)).status))
}

const all = (status: number, { image }: Lab) => [status, ...contentsOf(image).map(() => status)]

/** Waits until the agent has everything on its disk, with its proofs. */
async function kept({ shoal, image }: Lab): Promise<void> {
  await eventually(async () => {
    const { blobs } = (await (await fetch(`${shoal.url('agent-1', 'admin')}/blobs`)).json()) as {
      blobs: { digest: string }[]
    }
    const wanted = [image.manifest, ...contentsOf(image)].map(({ digest }) => digest as string)
    expect(blobs.map(({ digest }) => digest)).toEqual(expect.arrayContaining(wanted))
  })
}

describe('an agent that holds an image', () => {
  test('gives nothing of it under the name of another repository, however it is asked', async () => {
    await using lab = await startLab()
    const { agent, image, shoal } = lab
    expect(await statuses(lab)).toEqual(all(200, lab))
    await kept(lab)
    const [layer] = image.layers
    const tag = `"${layer!.digest}"`
    const heads = [{}, { range: 'bytes=0-9' }, { 'if-none-match': tag }, { 'if-range': tag, range: 'bytes=5-' }]
    for (const name of ['other/app', 'team/app2', 'team']) {
      for (const headers of heads) {
        for (const method of ['GET', 'HEAD'] as const) {
          const blob = await agent.send(method, blobPath(name, layer!.digest), { headers })
          expect([blob.status, method === 'HEAD' || blob.errorCode()]).toEqual([
            404,
            method === 'HEAD' || 'BLOB_UNKNOWN',
          ])
          expect(blob.headers['docker-content-digest'] ?? blob.headers.etag).toBeUndefined()
          const manifest = await agent.send(method, manifestPath(name, image.manifest.digest), { headers })
          expect(manifest.status).toBe(404)
          if (method === 'GET') expect(manifest.errorCode()).toBe('MANIFEST_UNKNOWN')
        }
      }
      for (const listener of ['registry', 'kraken']) {
        const url = `${shoal.url('agent-1', listener)}/namespace/${encodeURIComponent(name)}/blobs/${layer!.digest}`
        expect((await fetch(url)).status).toBe(404)
        expect((await fetch(url, { method: 'HEAD' })).status).toBe(404)
      }
    }
    const tool = `${shoal.url('agent-1', 'kraken')}/namespace/team%2Fapp/blobs/${layer!.digest}`
    expect((await fetch(tool)).status).toBe(200)
    // A digest that is nowhere is answered by the same words.
    const nowhere = digestOf(Buffer.from('nowhere'))
    const [known, unknown] = [layer!.digest, nowhere].map((digest) => agent.send('GET', blobPath('other/app', digest)))
    const [one, other] = [(await known!).json(), (await unknown!).json()]
    expect(JSON.stringify(one).replaceAll(layer!.digest, nowhere)).toBe(JSON.stringify(other))
  })

  test('gives what is deleted at the proxy no more when its time is over', async () => {
    await using lab = await startLab()
    const { clock, image, proxy } = lab
    const [layer] = image.layers
    expect(await statuses(lab)).toEqual(all(200, lab))
    expect((await proxy.send('DELETE', blobPath('team/app', layer!.digest))).status).toBe(202)
    clock.forward(30_000)
    expect((await lab.agent.send('GET', blobPath('team/app', layer!.digest))).status).toBe(404)
    expect((await proxy.send('DELETE', manifestPath('team/app', image.manifest.digest))).status).toBe(202)
    expect((await lab.agent.send('GET', manifestPath('team/app', image.manifest.digest))).status).toBe(404)
    // What was deleted is not given in an outage either; the rest is.
    await Promise.all(INDEXES.map((id) => lab.shoal.stop(id)))
    expect(await statuses(lab)).toEqual([503, 200, 503, 200])
  })

  test('with linkTtl 0s asks each time', async () => {
    await using lab = await startLab(['agent.registry.linkTtl=0s'])
    const [layer] = lab.image.layers
    expect(await statuses(lab)).toEqual(all(200, lab))
    expect((await lab.proxy.send('DELETE', blobPath('team/app', layer!.digest))).status).toBe(202)
    expect((await lab.agent.send('GET', blobPath('team/app', layer!.digest))).status).toBe(404)
  })

  test('gives it while no build-index answers, also after a restart, until that lasts too long', async () => {
    await using lab = await startLab(['agent.registry.outageTtl=1h'])
    expect(await statuses(lab)).toEqual(all(200, lab))
    await kept(lab)
    await Promise.all(INDEXES.map((id) => lab.shoal.stop(id)))
    lab.clock.forward(50 * 60_000)
    expect(await statuses(lab)).toEqual(all(200, lab))
    expect(await statuses(lab, 'other/app')).toEqual(all(503, lab))
    await lab.shoal.stop('agent-1')
    await lab.shoal.start('agent-1')
    expect(await statuses(lab)).toEqual(all(200, lab))
    expect(await statuses(lab, 'other/app')).toEqual(all(503, lab))
    lab.clock.forward(11 * 60_000)
    expect(await statuses(lab)).toEqual(all(503, lab))
  })

  test('gives what it was never asked for in an outage, if a manifest that it gave there names it', async () => {
    await using lab = await startLab()
    const [layer] = lab.image.layers
    // The layer is in its store, but nobody has asked for it in this repository.
    await pushImage(lab.proxy, 'other/app', lab.image, ['t'])
    expect((await lab.agent.send('GET', blobPath('other/app', layer!.digest))).status).toBe(200)
    expect((await lab.agent.send('GET', '/v2/team/app/manifests/t')).status).toBe(200)
    await eventually(async () => {
      const held = await fetch(`${lab.shoal.url('agent-1', 'admin')}/blobs`)
      const { blobs } = (await held.json()) as { readonly blobs: readonly { readonly digest: string }[] }
      expect(blobs.map(({ digest }) => digest)).toContain(layer!.digest)
    })
    await Promise.all(INDEXES.map((id) => lab.shoal.stop(id)))
    expect((await lab.agent.send('GET', blobPath('team/app', layer!.digest))).status).toBe(200)
    expect((await lab.agent.send('GET', blobPath('third/app', layer!.digest))).status).toBe(503)
  })
})

test('a blob that was asked for in vain is there as soon as it is pushed, at the agent and at the proxy', async () => {
  await using lab = await startLab()
  const sizes = [200_000, 300]
  for (const [i, size] of sizes.entries()) {
    const bytes = cipherBytes(`comes later ${i}`, size)
    const digest = digestOf(bytes)
    const paths = [
      blobPath('team/late', digest),
      blobPath('team/other', digest),
      `/namespace/${encodeURIComponent('team/late')}/blobs/${digest}`,
    ]
    for (const path of paths) expect((await lab.agent.send('GET', path)).status).toBe(404)
    expect((await lab.proxy.send('GET', blobPath('team/late', digest))).status).toBe(404)
    expect((await lab.proxy.pushBlob('team/late', digest, bytes)).status).toBe(201)
    expect((await lab.agent.send('GET', blobPath('team/late', digest))).status).toBe(200)
    expect((await lab.proxy.send('GET', blobPath('team/late', digest))).status).toBe(200)
    expect((await lab.agent.send('GET', blobPath('team/other', digest))).status).toBe(404)
  }
})
