import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import {
  type Containerd,
  type ContainerTools,
  containerTools,
  type DebianRegistry,
  hostsToml,
  type LayoutCopies,
  layoutCopies,
  startContainerd,
  startDebianRegistry,
} from '../kit/clients/index.ts'
import { digestsOf, type ImageLayout, layeredImage, makeImage } from '../kit/images/index.ts'
import { resourceStack } from '../kit/resource-stack.ts'
import { testPorts } from '../kit/test-ports.ts'
import { tokenServer } from '../kit/token-server.ts'
import { startTopology, type Topology } from '../kit/topology.ts'

/**
 * Agents as mirrors of a registry of another project that asks for a token: containerd names it by `ns` or calls a mount
 * point, skopeo calls an agent whose default it is. Then that registry dies.
 */
const stack = resourceStack()
let upstream: DebianRegistry
let shoal: Topology
let tools: ContainerTools
let containerd: Containerd
let image: ImageLayout
let hosts: string
/** A further listener of the first agent, which is no registry but below its mount point `/m`. */
let further: string
let copies: LayoutCopies

const login = { username: 'mirror', password: 'the password of the mirror' }

beforeAll(async () => {
  tools = stack.own(await containerTools())
  copies = layoutCopies(tools)
  containerd = stack.own(await startContainerd())
  const tokens = stack.own(await tokenServer({ users: { [login.username]: login.password } }))
  upstream = stack.own(await startDebianRegistry({ auth: { tokens } }))
  image = await makeImage(join(tools.folder, 'image'), layeredImage({ largeBytes: 3 << 20, seed: 'mirror' }))
  await copies.push(image, `${upstream.host}/kit/image:t1`, '--dest-creds', `${login.username}:${login.password}`)
  const rule = { registry: upstream.host, plainHttp: true, ...login }
  further = `127.0.0.1:${(await testPorts(1)).take(0, { further: 0 }).further}`
  const mounts = [{ path: '/m', default: upstream.host }]
  const listeners = [{ name: 'further', bind: further, mounts }]
  shoal = stack.own(
    await startTopology({
      ...{ agents: 2, origins: 2, trackers: 1, processes: [] },
      more: (_kind, id) => (id === 'agent-1' ? { 'registry.listeners': listeners } : {}),
      overrides: [
        `origin.upstreams=${JSON.stringify([rule])}`,
        `buildIndex.upstreams=${JSON.stringify([{ ...rule, fresh: '0s' }])}`,
        `agent.registry.upstreams=["${upstream.host}"]`,
        `agent.registry.default="${upstream.host}"`,
      ],
    }),
  )
  hosts = join(tools.folder, 'hosts')
  const [agent] = agents()
  await hostsToml(hosts, { host: upstream.host, server: 'http://127.0.0.1:1', hosts: [{ url: `http://${agent}` }] })
}, 300_000)

afterAll(async () => stack[Symbol.asyncDispose]())

const agents = () => ['agent-1', 'agent-2'].map((id) => new URL(shoal.url(id, 'registry')).host)

const skopeoFrom = (agent: string, reference: string) => copies.pull(`${agent}/kit/image${reference}`)

async function containerdFrom(reference: string) {
  const name = `${upstream.host}/kit/image${reference}`
  const { digest } = await containerd.pull(name, { hostsDir: hosts })
  await containerd.removeImage(name)
  return digest
}

test('containerd pulls by a mount point whose path it takes as it is, or puts its own behind; the listener has nothing else', async () => {
  const name = `${further}/kit/image:t1`
  const pulled = async (url: string, overridePath: boolean) => {
    const hostsDir = join(tools.folder, 'hosts-of-mounts')
    await hostsToml(hostsDir, { host: further, server: 'http://127.0.0.1:1', hosts: [{ url, overridePath }] })
    const { digest } = await containerd.pull(name, { hostsDir })
    await containerd.removeImage(name)
    return digest
  }
  // The host of the image is that of the mirror: so containerd says nothing of a registry.
  expect(await pulled(`http://${further}/m/v2`, true)).toBe(image.digest)
  expect(await pulled(`http://${further}/m`, false)).toBe(image.digest)
  await expect(pulled(`http://${further}`, false)).rejects.toThrow('http.StatusNotFound')
})

test('agents give the images of a registry that asks for a token, and when it is dead all that is cached, also at an agent that had none of it', async () => {
  const [first = '', second = ''] = agents()
  const expected = await digestsOf(image.folder)
  expect(await containerdFrom(':t1')).toBe(image.digest)
  expect(await skopeoFrom(first, ':t1')).toEqual(expected)
  await upstream[Symbol.asyncDispose]()
  expect(await containerdFrom(':t1')).toBe(image.digest)
  expect(await containerdFrom(`@${image.digest}`)).toBe(image.digest)
  for (const agent of [first, second]) {
    expect(await skopeoFrom(agent, ':t1')).toEqual(expected)
    expect(await skopeoFrom(agent, `@${image.digest}`)).toEqual(expected)
  }
  await expect(containerdFrom(':t2')).rejects.toThrow('503')
})
