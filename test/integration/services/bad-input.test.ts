import { readdir } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { seededRandom } from '../../../lib/base/index.ts'
import { eventually } from '../../kit/eventually.ts'
import { blobFixture, imageFixture } from '../../kit/image-fixture.ts'
import { pushBlobOf } from '../../kit/pushed-blob.ts'
import { closingUrl, type RegistryClient, registryClient } from '../../kit/registry-client.ts'
import { startTopology, type Topology } from '../../kit/topology.ts'

const random = seededRandom(77)
const origins = ['origin-1', 'origin-2'] as const

let shoal: Topology
let proxy: RegistryClient
let agent: RegistryClient

beforeAll(async () => {
  shoal = await startTopology({ agents: 1, origins: origins.length, trackers: 1, processes: [] })
  proxy = registryClient(shoal.url('proxy-1', 'registry'))
  agent = registryClient(shoal.url('agent-1', 'registry'))
})

afterAll(async () => {
  await shoal[Symbol.asyncDispose]()
})

/** Files in a folder and below it; empty when the folder does not exist. */
async function filesIn(folder: string): Promise<readonly string[]> {
  const entries = await readdir(join(shoal.data, folder), { recursive: true, withFileTypes: true }).catch(() => [])
  return entries.filter((entry) => entry.isFile()).map(({ name }) => name)
}

/** Expects that the proxy and the agent know neither the repository nor the blob, because nothing was published. */
async function expectNothingOf(name: string, digest: string): Promise<void> {
  for (const [who, client] of [['proxy', proxy] as const, ['agent', agent] as const]) {
    const blob = await client.send('GET', `/v2/${name}/blobs/${digest}`)
    expect([who, blob.status, blob.errorCode()]).toEqual([who, 404, 'BLOB_UNKNOWN'])
    const tags = await client.send('GET', `/v2/${name}/tags/list`)
    expect([who, tags.status, tags.errorCode()]).toEqual([who, 404, 'NAME_UNKNOWN'])
  }
}

describe('an upload', () => {
  test('with another digest than its bytes is 400 and leaves nothing behind', async () => {
    const name = 'bad/digest'
    const { digest } = blobFixture(random.bytes(1000))
    const answer = await proxy.pushBlob(name, digest, random.bytes(1000))
    expect([answer.status, answer.errorCode()]).toEqual([400, 'DIGEST_INVALID'])
    await expectNothingOf(name, digest)
    const hex = digest.slice('sha256:'.length)
    expect((await filesIn('backend')).filter((file) => file.includes(hex))).toEqual([])
  })

  test('that was cut off goes on where its state says, and at no other offset', async () => {
    const name = 'bad/cut'
    const { bytes, digest } = blobFixture(random.bytes(3_000_000))
    const opened = await proxy.send('POST', `/v2/${name}/blobs/uploads/`)
    const cut = 1_000_000
    const location = await cutOff(opened.headers.location ?? '', bytes.subarray(0, cut), bytes.length)
    await expectNothingOf(name, digest)
    const patch = (from: number) =>
      proxy.send('PATCH', location, {
        body: bytes.subarray(from),
        headers: { 'content-range': `${from}-${bytes.length - 1}` },
      })
    for (const wrong of [cut + 1, cut - 1]) {
      const answer = await patch(wrong)
      expect([answer.status, answer.errorCode()]).toEqual([416, 'RANGE_INVALID'])
      expect(answer.headers.range).toBe(`0-${cut - 1}`)
    }
    const rest = await patch(cut)
    expect(rest.status).toBe(202)
    expect((await proxy.send('PUT', closingUrl(rest.headers.location ?? '', digest))).status).toBe(201)
    // The agent remembers for a moment that no origin had the blob.
    const pulled = await eventually(async () => {
      const answer = await agent.send('GET', `/v2/${name}/blobs/${digest}`)
      expect(answer.status).toBe(200)
      return answer.body
    })
    expect(pulled.equals(bytes)).toBe(true)
  })
})

describe('a manifest', () => {
  const image = imageFixture(random)
  const put = (name: string, body: Uint8Array, reference = 't') =>
    proxy.send('PUT', `/v2/${name}/manifests/${reference}`, {
      body,
      headers: { 'content-type': image.manifest.mediaType },
    })

  test('of more than 4 MiB is refused and its tag stays unknown', async () => {
    const name = 'bad/large'
    const large = Buffer.concat([image.manifest.bytes, Buffer.alloc(4 * 1024 * 1024, ' ')])
    const answer = await put(name, large)
    expect([answer.status, answer.errorCode()]).toEqual([413, 'SIZE_INVALID'])
    await expectNothingOf(name, blobFixture(large).digest)
  })

  test('that names blobs that were never pushed is refused and its tag stays unknown', async () => {
    const name = 'bad/unknown-blobs'
    const answer = await put(name, image.manifest.bytes)
    expect([answer.status, answer.errorCode()]).toEqual([400, 'MANIFEST_BLOB_UNKNOWN'])
    await expectNothingOf(name, image.manifest.digest)
  })

  test('that is no JSON, or another one than its reference says, is refused', async () => {
    const name = 'bad/broken'
    const broken = await put(name, Buffer.from('{'))
    expect([broken.status, broken.errorCode()]).toEqual([400, 'MANIFEST_INVALID'])
    const other = await put(name, image.manifest.bytes, `sha256:${'0'.repeat(64)}`)
    expect([other.status, other.errorCode()]).toEqual([400, 'DIGEST_INVALID'])
    await expectNothingOf(name, image.manifest.digest)
  })
})

describe.each(['proxy', 'agent'] as const)('the %s', (who) => {
  const client = () => (who === 'proxy' ? proxy : agent)
  const absent = `sha256:${'1'.repeat(64)}`

  test.each([
    [`/v2/no/such/blobs/${absent}`, 404, 'BLOB_UNKNOWN'],
    [`/v2/no/such/manifests/${absent}`, 404, 'MANIFEST_UNKNOWN'],
    ['/v2/no/such/manifests/tag', 404, 'MANIFEST_UNKNOWN'],
    ['/v2/no/such/tags/list', 404, 'NAME_UNKNOWN'],
    ['/v2/no/such/blobs/sha256:12', 400, 'DIGEST_INVALID'],
    [`/v2/no/such/blobs/md5:${'1'.repeat(32)}`, 400, 'DIGEST_INVALID'],
    [`/v2/no/such/blobs/sha256:${'G'.repeat(64)}`, 400, 'DIGEST_INVALID'],
    [`/v2/No/Such/blobs/${absent}`, 400, 'NAME_INVALID'],
    [`/v2/..%2f..%2fetc/blobs/${absent}`, 400, 'NAME_INVALID'],
    [`/v2/${'a'.repeat(300)}/blobs/${absent}`, 400, 'NAME_INVALID'],
  ])('answers GET %s with %i %s', async (path, status, code) => {
    const answer = await client().send('GET', path)
    expect([answer.status, answer.errorCode()]).toEqual([status, code])
  })

  test.each([
    ['bytes=5000000-', 416],
    ['bytes=2-1', 416],
    ['bytes=-0', 416],
    ['bytes=x-y', 200],
    ['octets=0-1', 200],
    ['bytes=0-0,5-9', 206],
    ['bytes=0-,0-0', 400],
    ['bytes=-1', 206],
  ])('answers a range of %s with %i', async (range, status) => {
    const { path } = await pushBlobOf(shoal, 'bad/ranges', 100_000)
    const answer = await client().send('GET', path, { headers: { range } })
    expect(answer.status).toBe(status)
  })
})

describe('an agent', () => {
  test.each([
    ['/namespace/any/blobs/sha256:12', 400],
    [`/namespace/..%2Fetc/blobs/sha256:${'1'.repeat(64)}`, 400],
    [`/namespace/any/blobs/sha256:${'1'.repeat(64)}`, 404],
  ])('answers GET %s with %i', async (path, status) => {
    expect((await agent.send('GET', path)).status).toBe(status)
  })

  test('takes no pushes', async () => {
    for (const [method, path] of [
      ['POST', '/v2/a/blobs/uploads/'],
      ['PUT', '/v2/a/manifests/t'],
      ['DELETE', '/v2/a/manifests/t'],
    ] as const) {
      const answer = await agent.send(method, path, { body: '{}' })
      expect([method, answer.status]).toEqual([method, 405])
    }
  })
})

test.each([
  ['origin-1', 'GET', `/namespace/..%2Fetc/blobs/sha256:${'1'.repeat(64)}`],
  ['origin-1', 'POST', '/namespace/Team%2Fapp/uploads'],
  ['origin-1', 'GET', '/namespace/docker.io/uploads/id'],
  ['tracker-1', 'GET', `/namespace/a:b/blobs/sha256:${'1'.repeat(64)}/metainfo`],
  ['build-index-1', 'GET', '/repositories/.%2Fapp/tags'],
])('a malformed repository never gets into the %s: %s %s', async (id, method, path) => {
  const answer = await fetch(shoal.url(id, 'http') + path, { method })
  expect([answer.status, await answer.json()]).toMatchObject([400, { error: { code: 'NAME_INVALID' } }])
})

test('requests that are no HTTP are answered 400, and the listeners go on', async () => {
  for (const [id, listener] of [
    ['proxy-1', 'registry'],
    ['agent-1', 'registry'],
    ['origin-1', 'http'],
    ['tracker-1', 'http'],
    ['build-index-1', 'http'],
  ] as const) {
    const { hostname, port } = new URL(shoal.url(id, listener))
    const socket = connect(Number(port), hostname)
    socket.write('no HTTP at all\r\n\r\n')
    expect([id, await text(socket)]).toEqual([id, expect.stringMatching(/^HTTP\/1\.1 400 /)])
    expect([id, (await fetch(`${shoal.url(id, 'ops')}/healthz`)).status]).toEqual([id, 200])
  }
})

/** Sends the first bytes of a PATCH of `length` bytes, then disconnects; returns the Location at which to continue. */
async function cutOff(location: string, first: Uint8Array, length: number): Promise<string> {
  const before = await clientBytes()
  const url = new URL(location, shoal.url('proxy-1', 'registry'))
  const socket = connect(Number(url.port), url.hostname)
  socket.write(`PATCH ${url.pathname}${url.search} HTTP/1.1\r\nHost: x\r\nContent-Length: ${length}\r\n\r\n`)
  socket.write(first)
  await eventually(async () => expect((await clientBytes()) - before).toBe(first.length))
  socket.destroy()
  return eventually(async () => {
    const { headers, status } = await proxy.send('GET', location)
    expect([status, headers.range]).toEqual([204, `0-${first.length - 1}`])
    return headers.location ?? ''
  })
}

/** Bytes that all origins together received from clients. */
async function clientBytes(): Promise<number> {
  const counts = origins.map((id) => shoal.counter(id, 'shoal_received_bytes_total', 'from="client"'))
  return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0)
}
