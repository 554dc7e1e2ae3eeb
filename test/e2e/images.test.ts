import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import {
  type Containerd,
  type ContainerTools,
  type Dockerd,
  hostsToml,
  type RealClients,
  startRealClients,
} from '../kit/clients/index.ts'
import { type Herd, startHerd } from '../kit/herd.ts'
import { digestsOf, greeting, type ImageLayout, makeIndex, twoPlatforms } from '../kit/images/index.ts'
import { resourceStack } from '../kit/resource-stack.ts'

/**
 * The main use of shoal, with real clients: images are pushed to the proxy and pulled from every agent, unchanged. One
 * image has a layer of 200 MB of random data and an empty layer; the index has two platforms.
 */
const stack = resourceStack()
let herd: Herd
let clients: RealClients
let tools: ContainerTools
let containerd: Containerd
let dockerd: Dockerd
let image: ImageLayout
let index: ImageLayout

const largeBytes = 200_000_000
const setUpMs = 300_000
const transferMs = 240_000

beforeAll(async () => {
  clients = stack.own(await startRealClients({ largeBytes, seed: 'e2e' }))
  ;({ tools, containerd, dockerd, image } = clients)
  index = await makeIndex(join(tools.folder, 'index'), twoPlatforms('e2e'))
  herd = stack.own(await startHerd({ agents: 3 }))
  await clients.push(image, `${herd.proxy}/team/image:t1`)
  await clients.push(index, `${herd.proxy}/team/index:t1`, '--all')
}, setUpMs)

afterEach(async () => {
  for (const { reference } of await containerd.images()) await containerd.removeImage(reference)
})

afterAll(async () => stack[Symbol.asyncDispose]())

function agent(number: 0 | 1 | 2): string {
  const address = herd.agents[number]
  if (address === undefined) throw new Error(`the herd has no agent ${number}`)
  return address
}

/** The digest of a name and tag at the registry `host`. */
async function digestAt(host: string, name: string): Promise<string> {
  const { stdout } = await tools.skopeo(['inspect', '--format', '{{.Digest}}', `docker://${host}/${name}`])
  return stdout.trim()
}

/** Pulls with podman; returns the digest of the pulled image. */
async function podmanPull(reference: string): Promise<string> {
  await tools.podman(['pull', reference])
  const { stdout } = await tools.podman(['image', 'inspect', '--format', '{{.Digest}}', reference])
  return stdout.trim()
}

/** A `--hosts-dir` with which containerd asks only `mirror` for the images of `host`. */
async function mirroredBy(mirror: string, host: string): Promise<string> {
  const folder = join(tools.folder, `hosts-${mirror}-${host}`.replaceAll(':', '-'))
  const url = `http://${mirror}`
  await hostsToml(folder, { host, server: url, hosts: [{ url }] })
  return folder
}

async function everyDigestOf(layout: ImageLayout): Promise<string[]> {
  const { digest, manifests } = await digestsOf(layout.folder)
  const parts = manifests.flatMap((manifest) => [manifest.digest, manifest.config, ...manifest.layers])
  return [...new Set([digest, ...parts])].sort()
}

describe('docker', () => {
  test(
    'pushes an image to the proxy, pulls the same digest from each agent, and it runs',
    async () => {
      const pushed = `${herd.proxy}/team/docker:t1`
      await clients.load(image, pushed)
      const digest = await dockerd.push(pushed)
      expect(await digestAt(herd.proxy, 'team/docker:t1')).toBe(digest)
      for (const address of herd.agents) {
        await dockerd.removeImages()
        const pulled = `${address}/team/docker:t1`
        expect(await dockerd.pull(pulled)).toBe(digest)
        expect(await dockerd.run(pulled)).toBe(`${greeting}\n`)
      }
    },
    transferMs,
  )

  test('builds an image, pushes it to the proxy and pulls it by digest from an agent', async () => {
    const name = 'team/built'
    const content = { 'a.txt': 'built here' }
    await dockerd.build(`${herd.proxy}/${name}:t1`, { files: content, cmd: ['/a.txt'] })
    const digest = await dockerd.push(`${herd.proxy}/${name}:t1`)
    await dockerd.removeImages()
    expect(await dockerd.pull(`${agent(0)}/${name}@${digest}`)).toBe(digest)
  })

  test('takes the image of its platform out of an index', async () => {
    await dockerd.removeImages()
    const reference = `${agent(1)}/team/index:t1`
    expect(await dockerd.pull(reference)).toBe(index.digest)
    expect(await dockerd.run(reference)).toBe(`${greeting}\n`)
  })

  test('is told that a tag does not exist', async () => {
    await expect(dockerd.pull(`${agent(0)}/team/image:no-such-tag`)).rejects.toThrow(/not found|manifest unknown/)
  })
})

describe('containerd, with the agent as the mirror of the proxy', () => {
  test(
    'pulls an image from each agent, every digest the same, and it runs',
    async () => {
      const reference = `${herd.proxy}/team/image:t1`
      for (const address of herd.agents) {
        const hostsDir = await mirroredBy(address, herd.proxy)
        expect((await containerd.pull(reference, { hostsDir })).digest).toBe(image.digest)
        expect((await containerd.contentDigests()).sort()).toEqual(await everyDigestOf(image))
        expect(await containerd.run(reference)).toBe(`${greeting}\n`)
        await containerd.removeImage(reference)
      }
    },
    transferMs,
  )

  test('pulls every platform of an index', async () => {
    const reference = `${herd.proxy}/team/index:t1`
    const hostsDir = await mirroredBy(agent(0), herd.proxy)
    const pulled = await containerd.pull(reference, { hostsDir, allPlatforms: true })
    expect(pulled.digest).toBe(index.digest)
    expect((await containerd.contentDigests()).sort()).toEqual(await everyDigestOf(index))
  })

  test('pushes to the proxy what it pulled', async () => {
    const source = `${agent(2)}/team/index:t1`
    const target = `${herd.proxy}/team/from-containerd:t1`
    await containerd.pull(source, { plainHttp: true, allPlatforms: true })
    await containerd.ctr(['images', 'tag', source, target])
    await containerd.ctr(['images', 'push', '--plain-http', target])
    expect(await digestAt(agent(0), 'team/from-containerd:t1')).toBe(index.digest)
  })

  test("gets nothing of ours under another registry's name", async () => {
    const hostsDir = await mirroredBy(agent(0), 'registry.invalid')
    const pulling = containerd.pull('registry.invalid/team/image:t1', { hostsDir })
    await expect(pulling).rejects.toThrow('not found')
  })
})

describe('skopeo', () => {
  test(
    'copies an image to the proxy and back from an agent, every digest the same',
    async () => {
      expect(await clients.pull(`${agent(1)}/team/image:t1`)).toEqual(await digestsOf(image.folder))
    },
    transferMs,
  )

  test('copies an index with all its platforms, from the proxy and from an agent', async () => {
    for (const host of [herd.proxy, agent(2)]) {
      expect(await clients.pull(`${host}/team/index:t1`, '--all')).toEqual(await digestsOf(index.folder))
    }
  })

  test('lists the tags that were pushed, at the proxy and at an agent', async () => {
    for (const host of [herd.proxy, agent(0)]) {
      const { stdout } = await tools.skopeo(['list-tags', `docker://${host}/team/index`])
      expect(JSON.parse(stdout)).toMatchObject({ Tags: ['t1'] })
    }
  })
})

describe('podman and buildah', () => {
  test(
    'podman pulls an image from an agent by the same digest, and it runs',
    async () => {
      const reference = `${agent(0)}/team/image:t1`
      expect(await podmanPull(reference)).toBe(image.digest)
      expect((await tools.podman(['run', '--rm', '--network', 'none', reference])).stdout).toBe(`${greeting}\n`)
    },
    transferMs,
  )

  test('buildah pushes what it built to the proxy, and podman pulls the same digest from an agent', async () => {
    const digestFile = join(tools.folder, 'digest')
    const container = (await tools.buildah(['from', 'scratch'])).stdout.trim()
    await tools.buildah(['config', '--cmd', '/none', container])
    await tools.buildah(['commit', '--rm', container, 'localhost/built:t1'])
    const target = `docker://${herd.proxy}/team/buildah:t1`
    await tools.buildah(['push', '--digestfile', digestFile, 'localhost/built:t1', target])
    await tools.buildah(['rmi', 'localhost/built:t1'])
    expect(await podmanPull(`${agent(1)}/team/buildah:t1`)).toBe(await readFile(digestFile, 'utf8'))
  })
})
