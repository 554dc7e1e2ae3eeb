import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import {
  type Containerd,
  type ContainerTools,
  type DebianRegistry,
  type Dockerd,
  hostsToml,
  type RealClients,
  startDebianRegistry,
  startNginx,
  startRealClients,
} from '../../kit/clients/index.ts'
import {
  digestsOf,
  greeting,
  type ImageLayout,
  layeredImage,
  makeImage,
  makeIndex,
  twoPlatforms,
} from '../../kit/images/index.ts'
import { resourceStack } from '../../kit/resource-stack.ts'

/** Tests the clients and images of the e2e tests against a registry of another project. */
const stack = resourceStack()
let registry: DebianRegistry
let clients: RealClients
let tools: ContainerTools
let containerd: Containerd
let dockerd: Dockerd
let image: ImageLayout
let index: ImageLayout

beforeAll(async () => {
  registry = stack.own(await startDebianRegistry())
  clients = stack.own(await startRealClients({}))
  ;({ tools, containerd, dockerd, image } = clients)
  index = await makeIndex(join(tools.folder, 'index'), twoPlatforms())
  await clients.push(image, `${registry.host}/kit/image:t1`)
  await clients.push(index, `${registry.host}/kit/index:t1`, '--all')
})

afterAll(async () => stack[Symbol.asyncDispose]())

describe('an image made offline', () => {
  test('has one digest for each layer, of which the empty one is the well-known one', async () => {
    const [manifest] = (await digestsOf(image.folder)).manifests
    expect(new Set(manifest?.layers).size).toBe(4)
    expect(manifest?.diffIds).toContain('sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef')
  })

  test('is the same image when made again from the same spec, and another from another seed', async () => {
    const [again, other] = await Promise.all([
      makeImage(join(tools.folder, 'again'), layeredImage({ largeBytes: 20 << 20 })),
      makeImage(join(tools.folder, 'other'), layeredImage({ seed: 'other' })),
    ])
    expect(again.digest).toBe(image.digest)
    expect(other.digest).not.toBe(image.digest)
  })

  test('keeps its digest on its way through skopeo, in both directions', async () => {
    expect(await clients.pull(`${registry.host}/kit/image:t1`)).toEqual(await digestsOf(image.folder))
  })

  test('keeps the digests of an index and of both its platforms through skopeo', async () => {
    const digests = await clients.pull(`${registry.host}/kit/index:t1`, '--all')
    expect(digests).toEqual(await digestsOf(index.folder))
    expect(digests.manifests.map(({ platform }) => platform?.architecture)).toEqual(['amd64', 'arm64'])
  })

  test('unpacks with umoci, uncompressed layers included', async () => {
    const plain = await makeImage(join(tools.folder, 'plain'), { ...layeredImage(), compression: 'none' })
    const bundle = join(tools.folder, 'bundle')
    await tools.umoci(['unpack', '--image', `${plain.folder}:image`, bundle])
    const size = (await stat(join(bundle, 'rootfs', 'random-layered-large'))).size
    expect(size).toBe(20 << 20)
  })
})

describe('docker', () => {
  test('pulls an image by its digest and runs it', async () => {
    await dockerd.removeImages()
    const reference = `${registry.host}/kit/image:t1`
    expect(await dockerd.pull(reference)).toBe(image.digest)
    expect(await dockerd.run(reference)).toBe(`${greeting}\n`)
  })

  test('builds an image and pushes it, and skopeo sees the digest that docker named', async () => {
    const reference = `${registry.host}/kit/built:t1`
    await dockerd.build(reference, { files: { 'a.txt': 'built here' }, cmd: ['/a.txt'] })
    const digest = await dockerd.push(reference)
    const seen = await tools.skopeo(['inspect', '--format', '{{.Digest}}', `docker://${reference}`])
    expect(seen.stdout.trim()).toBe(digest)
  })

  test('loads an archive, pushes it and pulls the same digest once it has forgotten the image', async () => {
    const reference = `${registry.host}/kit/loaded:t1`
    await clients.load(image, reference)
    const digest = await dockerd.push(reference)
    await dockerd.removeImages()
    expect(await dockerd.pull(reference)).toBe(digest)
  })
})

describe('containerd', () => {
  test('pulls through a mirror that hosts.toml names for a host that does not exist, and runs the image', async () => {
    const hostsDir = join(tools.folder, 'hosts')
    await hostsToml(hostsDir, { host: 'registry.invalid', hosts: [{ url: registry.url }] })
    const reference = 'registry.invalid/kit/image:t1'
    expect((await containerd.pull(reference, { hostsDir })).digest).toBe(image.digest)
    expect(registry.log()).toContain('/v2/kit/image/manifests/t1?ns=registry.invalid')
    expect(await containerd.run(reference)).toBe(`${greeting}\n`)
    await containerd.removeImage(reference)
  })

  test('holds exactly the content of an image, and nothing after its removal', async () => {
    const reference = `${registry.host}/kit/image:t1`
    await containerd.pull(reference, { plainHttp: true })
    const [manifest] = (await digestsOf(image.folder)).manifests
    const wanted = [image.digest, manifest?.config, ...(manifest?.layers ?? [])]
    expect((await containerd.contentDigests()).sort()).toEqual(wanted.sort())
    await containerd.removeImage(reference)
    expect(await containerd.contentDigests()).toEqual([])
  })

  test('pulls every platform of an index', async () => {
    const reference = `${registry.host}/kit/index:t1`
    const pulled = await containerd.pull(reference, { plainHttp: true, allPlatforms: true })
    expect(pulled.digest).toBe(index.digest)
    const { manifests } = await digestsOf(index.folder)
    expect(await containerd.contentDigests()).toEqual(expect.arrayContaining(manifests.map(({ digest }) => digest)))
    await containerd.removeImage(reference)
  })
})

describe('podman and buildah', () => {
  test('podman pulls an image by its digest and runs it', async () => {
    const reference = `${registry.host}/kit/image:t1`
    await tools.podman(['pull', reference])
    const inspected = await tools.podman(['image', 'inspect', '--format', '{{.Digest}}', reference])
    expect(inspected.stdout.trim()).toBe(image.digest)
    expect((await tools.podman(['run', '--rm', '--network', 'none', reference])).stdout).toBe(`${greeting}\n`)
  })

  test('buildah commits an image from scratch and pushes it', async () => {
    const container = (await tools.buildah(['from', 'scratch'])).stdout.trim()
    await tools.buildah(['commit', container, 'localhost/scratch:t1'])
    await tools.buildah(['push', 'localhost/scratch:t1', `docker://${registry.host}/kit/scratch:t1`])
    const tags = await tools.skopeo(['list-tags', `docker://${registry.host}/kit/scratch`])
    expect(JSON.parse(tags.stdout)).toMatchObject({ Tags: ['t1'] })
  })
})

test('nginx serves a folder', async () => {
  await using nginx = await startNginx({ root: image.folder })
  const answer = await fetch(`${nginx.url}/oci-layout`)
  expect(await answer.json()).toEqual({ imageLayoutVersion: '1.0.0' })
})
