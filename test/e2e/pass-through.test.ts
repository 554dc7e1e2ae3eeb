import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import {
  type Containerd,
  type ContainerTools,
  containerTools,
  type DebianRegistry,
  hostsToml,
  startContainerd,
  startDebianRegistry,
} from '../kit/clients/index.ts'
import { digestsOf, type ImageLayout, layeredImage, makeImage } from '../kit/images/index.ts'
import { basic, bearer } from '../kit/registry-access.ts'
import { registryClient } from '../kit/registry-client.ts'
import { resourceStack } from '../kit/resource-stack.ts'
import { type TokenServer, tokenServer } from '../kit/token-server.ts'
import { startTopology, type Topology } from '../kit/topology.ts'

/**
 * An agent in front of a registry of another project, which gives tokens to users: one may pull the image, the other one
 * may not. Then that registry dies.
 */
const stack = resourceStack()
let upstream: DebianRegistry
let tokens: TokenServer
let shoal: Topology
let tools: ContainerTools
let containerd: Containerd
let image: ImageLayout
let hosts: string
let agent: string
let pulls = 0

const users = { cluster: 'password of the cluster', alice: 'password of alice', bob: 'password of bob' }
type User = keyof typeof users
const credsOf = (user: User) => `${user}:${users[user]}`

beforeAll(async () => {
  tools = stack.own(await containerTools())
  containerd = stack.own(await startContainerd())
  const mayUse = (user: string, repository: string) => (user === 'bob' ? repository === 'kit/bobs' : user !== '')
  tokens = stack.own(await tokenServer({ users, mayUse }))
  upstream = stack.own(await startDebianRegistry({ auth: { tokens } }))
  image = await makeImage(join(tools.folder, 'image'), layeredImage({ largeBytes: 1 << 20, seed: 'pass-through' }))
  const source = ['copy', '--preserve-digests', '--dest-creds', credsOf('cluster'), image.reference]
  await tools.skopeo([...source, `docker://${upstream.host}/kit/image:t1`])
  const rule = { registry: upstream.host, plainHttp: true, wait: '20s', username: 'cluster', password: users.cluster }
  const entry = { registry: upstream.host, plainHttp: true, wait: '20s', identity: 'passThrough' }
  shoal = stack.own(
    await startTopology({
      ...{ agents: 1, origins: 1, trackers: 1, processes: [] },
      overrides: [
        `origin.upstreams=${JSON.stringify([rule])}`,
        `buildIndex.upstreams=${JSON.stringify([{ ...rule, fresh: '0s' }])}`,
        `agent.registry.upstreams=${JSON.stringify([entry])}`,
        `agent.registry.default="${upstream.host}"`,
        'agent.registry.upstreamWait=30s',
      ],
    }),
  )
  agent = new URL(shoal.url('agent-1', 'registry')).host
  hosts = join(tools.folder, 'hosts')
  await hostsToml(hosts, { host: upstream.host, server: 'http://127.0.0.1:1', hosts: [{ url: `http://${agent}` }] })
}, 300_000)

afterAll(async () => stack[Symbol.asyncDispose]())

async function skopeoAs(user: User | undefined, repository = 'kit/image') {
  pulls += 1
  const copy = join(tools.folder, `copy-${pulls}`)
  const creds = user === undefined ? ['--src-no-creds'] : ['--src-creds', credsOf(user)]
  await tools.skopeo(['copy', ...creds, `docker://${agent}/${repository}:t1`, `oci:${copy}:image`])
  return digestsOf(copy)
}

async function containerdAs(user: User | undefined, repository = 'kit/image') {
  const name = `${upstream.host}/${repository}:t1`
  const { digest } = await containerd.pull(name, {
    hostsDir: hosts,
    ...(user !== undefined && { user: credsOf(user) }),
  })
  await containerd.removeImage(name)
  return digest
}

/** A token of a user for the image, as clients get it. */
async function tokenOf(user: User): Promise<string> {
  const query = new URLSearchParams({ service: tokens.service, scope: 'repository:kit/image:pull' })
  const headers = basic(user, users[user])
  const answer = await fetch(`${tokens.realm}?${query.toString()}`, { headers })
  return ((await answer.json()) as { readonly token: string }).token
}

/** What the agent answers to who shows that, for the tag, the manifest, and all blobs. */
async function statusesFor(headers: object, repository = 'kit/image') {
  const { digest, manifests } = await digestsOf(image.folder)
  const blobs = manifests.flatMap(({ config, layers }) => [config, ...layers])
  const paths = ['manifests/t1', `manifests/${digest}`, ...blobs.map((blob) => `blobs/${blob}`)]
  const client = registryClient(`http://${agent}`)
  const answers = paths.map((path) => client.send('GET', `/v2/${repository}/${path}`, { headers: { ...headers } }))
  return new Set((await Promise.all(answers)).map(({ status }) => status))
}

test('skopeo and containerd pull with the login of who may, and with no other, whatever is cached; in an outage what was proven counts', async () => {
  const expected = await digestsOf(image.folder)
  const refused = /unauthorized|authentication required|denied/i
  await expect(skopeoAs('bob')).rejects.toThrow(refused)
  expect(await skopeoAs('alice')).toEqual(expected)
  expect(await containerdAs('alice')).toBe(image.digest)
  for (const user of ['bob', undefined] as const) {
    for (const repository of ['kit/image', 'kit/nowhere']) {
      await expect(skopeoAs(user, repository)).rejects.toThrow(refused)
      await expect(containerdAs(user, repository)).rejects.toThrow(
        /401|failed authorization|unauthorized|authorization failed/i,
      )
    }
  }
  const [alice, bob] = [bearer(await tokenOf('alice')), bearer(await tokenOf('bob'))]
  const password = basic('alice', users.alice)
  for (const shown of [alice, password]) expect(await statusesFor(shown)).toEqual(new Set([200]))
  for (const shown of [bob, basic('bob', users.bob), {}]) {
    expect(await statusesFor(shown)).toEqual(new Set([401]))
    expect(await statusesFor(shown, 'kit/nowhere')).toEqual(new Set([401]))
  }
  await upstream[Symbol.asyncDispose]()
  for (const shown of [alice, password]) expect(await statusesFor(shown)).toEqual(new Set([200]))
  for (const shown of [bob, bearer(await tokenOf('alice')), {}]) {
    expect(await statusesFor(shown)).toEqual(new Set([503]))
    expect(await statusesFor(shown, 'kit/nowhere')).toEqual(new Set([503]))
  }
})
