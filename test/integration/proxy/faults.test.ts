import { once } from 'node:events'
import { type ClientRequest, type IncomingMessage, request } from 'node:http'
import { PassThrough, type Readable } from 'node:stream'
import { describe, expect, test } from '@jest/globals'
import { seededRandom } from '../../../lib/base/index.ts'
import { pushImage } from '../../contract/registry/running-registry.ts'
import { eventually } from '../../kit/eventually.ts'
import { blobFixture, imageFixture } from '../../kit/image-fixture.ts'
import { closingUrl, registryClient } from '../../kit/registry-client.ts'
import { type ProxyStack, startProxyStack } from './proxy-stack.ts'

const random = seededRandom(99)

/** A PATCH whose body the test writes step by step. */
function openPatch(stack: ProxyStack, location: string): { req: ClientRequest; answer: Promise<IncomingMessage> } {
  const req = request(`${stack.url}${location}`, { method: 'PATCH', agent: false })
  const answer = once(req, 'response').then(([res]) => res as IncomingMessage)
  return { req, answer }
}

const openUpload = async (stack: ProxyStack, name: string) => {
  const { headers } = await registryClient(stack.url).send('POST', `/v2/${name}/blobs/uploads/`)
  return headers.location ?? ''
}

/** The origin that holds the one open upload. */
const holderOf = (stack: ProxyStack) => stack.origins.find(({ uploads }) => uploads.size > 0)!

describe('the proxy when the build-index is down', () => {
  test('answers 503 to everything and never 404', async () => {
    await using stack = await startProxyStack()
    const client = registryClient(stack.url)
    const image = imageFixture(random)
    await pushImage(client, 'a/b', image, ['t'])
    const { digest } = image.layers[0]!
    await stack.index.stop()
    for (const [method, path] of [
      ['GET', '/v2/a/b/manifests/t'],
      ['HEAD', '/v2/a/b/manifests/nosuchtag'],
      ['GET', `/v2/a/b/manifests/${image.manifest.digest}`],
      ['GET', `/v2/a/b/blobs/${digest}`],
      ['GET', '/v2/a/b/tags/list'],
      ['GET', '/v2/_catalog'],
      ['DELETE', '/v2/a/b/manifests/t'],
      ['DELETE', `/v2/a/b/blobs/${digest}`],
      ['POST', `/v2/a/c/blobs/uploads/?mount=${digest}&from=a/b`],
    ] as const) {
      const answer = await client.send(method, path)
      expect([method, path, answer.status]).toEqual([method, path, 503])
      if (method !== 'HEAD') expect(answer.errorCode()).toBe('UNAVAILABLE')
    }
    const push = await client.pushBlob('a/b', digest, image.layers[0]!.bytes)
    expect(push.status).toBe(503)
  })
})

describe('the proxy when origins are down', () => {
  test('with all of them gone answers 503 and never 404', async () => {
    await using stack = await startProxyStack()
    const client = registryClient(stack.url)
    const { digest, bytes } = blobFixture(random.bytes(1000))
    await client.pushBlob('a', digest, bytes)
    for (const origin of stack.origins) await origin.kill()
    expect((await client.send('GET', `/v2/a/blobs/${digest}`)).status).toBe(503)
    expect((await client.send('HEAD', `/v2/a/blobs/${digest}`)).status).toBe(200)
    expect((await client.send('POST', '/v2/a/blobs/uploads/')).status).toBe(503)
    expect((await client.send('POST', `/v2/b/blobs/uploads/?mount=${digest}&from=a`)).status).toBe(503)
  })

  test('with one of them gone takes pushes and serves pulls', async () => {
    await using stack = await startProxyStack()
    const client = registryClient(stack.url)
    await stack.origins[0]!.kill()
    const image = imageFixture(random, [10, 20, 30, 40, 50])
    await pushImage(client, 'a', image, ['t'])
    for (const { digest, bytes } of image.layers) {
      expect((await client.send('GET', `/v2/a/blobs/${digest}`)).body.equals(bytes)).toBe(true)
    }
  })

  test('tells the client when the origin of its upload dies in mid-body, and a new push succeeds', async () => {
    await using stack = await startProxyStack()
    const client = registryClient(stack.url)
    const { digest, bytes } = blobFixture(random.bytes(300_000))
    const { req, answer } = openPatch(stack, await openUpload(stack, 'a'))
    req.write(bytes.subarray(0, 100_000))
    const holder = holderOf(stack)
    await eventually(() => {
      if ([...holder.uploads.values()][0]?.size !== 100_000) throw new Error('not there yet')
    })
    await holder.kill()
    const { statusCode } = await answer
    expect(statusCode).toBe(404)
    req.destroy()
    expect((await client.pushBlob('a', digest, bytes)).status).toBe(201)
    expect((await client.send('GET', `/v2/a/blobs/${digest}`)).body.equals(bytes)).toBe(true)
  })

  test.each(['GET', 'PATCH', 'PUT', 'DELETE'])(
    '%s of an upload whose origin died is BLOB_UPLOAD_UNKNOWN',
    async (method) => {
      await using stack = await startProxyStack()
      const client = registryClient(stack.url)
      const location = await openUpload(stack, 'a')
      await holderOf(stack).kill()
      const { digest, bytes } = blobFixture('x')
      const answer = await client.send(method, closingUrl(location, digest), method === 'PATCH' ? { body: bytes } : {})
      expect([answer.status, answer.errorCode()]).toEqual([404, 'BLOB_UPLOAD_UNKNOWN'])
    },
  )

  test('goes on at the other one when an origin cuts a download short', async () => {
    let reads = 0
    const onRead = (body: Readable) => {
      reads += 1
      return reads === 1 ? cutAfter(body, 200_000) : body
    }
    await using stack = await startProxyStack({ onRead })
    const client = registryClient(stack.url)
    const { digest, bytes } = blobFixture(random.bytes(500_000))
    await client.pushBlob('a', digest, bytes)
    const answer = await client.send('GET', `/v2/a/blobs/${digest}`)
    expect(answer.body.equals(bytes)).toBe(true)
    expect(reads).toBe(2)
  })

  test('does not complete what another origin began with wrong bytes and did not prove', async () => {
    let reads = 0
    const onRead = (body: Readable) => {
      reads += 1
      return reads === 1 ? cutAfter(spoiled(body), 200_000) : body
    }
    await using stack = await startProxyStack({ onRead })
    const client = registryClient(stack.url)
    const { digest, bytes } = blobFixture(random.bytes(500_000))
    await client.pushBlob('a', digest, bytes)
    await expect(client.send('GET', `/v2/a/blobs/${digest}`)).rejects.toThrow()
    expect(reads).toBe(2)
    expect((await client.send('GET', `/v2/a/blobs/${digest}`)).body.equals(bytes)).toBe(true)
  })

  test('cuts the answer when the rest cannot be had, so that the client sees a truncation', async () => {
    await using stack = await startProxyStack({ onRead: (body) => cutAfter(body, 0) })
    const client = registryClient(stack.url)
    const { digest, bytes } = blobFixture(random.bytes(500_000))
    await client.pushBlob('a', digest, bytes)
    const outcome = await client.send('GET', `/v2/a/blobs/${digest}`).then(
      ({ status }) => status,
      () => 'cut',
    )
    expect([503, 'cut']).toContain(outcome)
  })
})

/** The same length of zeros. */
function spoiled(body: Readable): Readable {
  return body.map((chunk: Uint8Array) => Buffer.alloc(chunk.byteLength))
}

/** Gives the first `count` bytes of a stream, then fails. */
function cutAfter(body: Readable, count: number): Readable {
  let left = count
  const out = new PassThrough()
  body.on('data', (chunk: Uint8Array) => {
    out.write(chunk.subarray(0, left))
    left = Math.max(0, left - chunk.byteLength)
    if (left === 0) setImmediate(() => out.destroy(new Error('cut by the test')))
  })
  return out
}

describe('the proxy and its clients', () => {
  test('clients that go in mid-upload leave bytes to be resumed, and the origins their good name', async () => {
    await using stack = await startProxyStack()
    const client = registryClient(stack.url)
    const { digest, bytes } = blobFixture(random.bytes(2000))
    const locations: string[] = []
    for (let i = 0; i < 8; i += 1) locations.push(await openUpload(stack, 'a'))
    const patches = locations.map((location) => openPatch(stack, location))
    for (const { req, answer } of patches) {
      answer.catch(() => undefined)
      req.on('error', () => undefined)
      req.write(bytes.subarray(0, 500))
    }
    await eventually(() => {
      const sizes = stack.origins.flatMap(({ uploads }) => [...uploads.values()].map(({ size }) => size))
      if (sizes.filter((size) => size === 500).length < patches.length) throw new Error('not there yet')
    })
    for (const { req } of patches) req.destroy()
    const status = await client.send('GET', locations[0]!)
    expect([status.status, status.headers.range]).toEqual([204, '0-499'])
    const rest = await client.send('PATCH', status.headers.location ?? '', { body: bytes.subarray(500) })
    expect((await client.send('PUT', closingUrl(rest.headers.location ?? '', digest))).status).toBe(201)
    for (const member of ['o1', 'o2']) {
      expect(stack.metrics.value('shoal_cluster_member_healthy', { cluster: 'origins', member })).toBe(1)
    }
  })

  test('a client that goes in mid-download frees the stream behind it', async () => {
    let closed: Promise<unknown> | undefined
    const onRead = (body: Readable) => {
      const endless = new PassThrough()
      closed = new Promise((resolve) => endless.on('error', () => undefined).on('close', resolve))
      body.once('data', (chunk) => endless.write(chunk))
      return endless
    }
    await using stack = await startProxyStack({ onRead })
    const client = registryClient(stack.url)
    const { digest, bytes } = blobFixture(random.bytes(100_000))
    await client.pushBlob('a', digest, bytes)
    const req = request(`${stack.url}/v2/a/blobs/${digest}`, {
      agent: false,
      headers: { range: 'bytes=0-99998' },
    }).end()
    const [res] = (await once(req, 'response')) as [IncomingMessage]
    await once(res, 'data')
    res.on('error', () => undefined)
    req.destroy()
    await closed
  })

  test('ownNames are our own by ns, others are not', async () => {
    await using stack = await startProxyStack()
    const client = registryClient(stack.url)
    await pushImage(client, 'a', imageFixture(random), ['t'])
    expect((await client.send('GET', '/v2/a/manifests/t?ns=registry.test')).status).toBe(200)
    expect((await client.send('GET', '/v2/a/manifests/t?ns=docker.io')).status).toBe(404)
  })

  test('payload bytes are counted once each', async () => {
    await using stack = await startProxyStack()
    const client = registryClient(stack.url)
    const { digest, bytes } = blobFixture(random.bytes(70_000))
    await client.pushBlob('a', digest, bytes)
    await client.send('GET', `/v2/a/blobs/${digest}`)
    await client.send('GET', `/v2/a/blobs/${digest}`, { headers: { range: 'bytes=0-9' } })
    await client.send('HEAD', `/v2/a/blobs/${digest}`)
    expect(stack.metrics.value('shoal_received_bytes_total', { from: 'client' })).toBe(70_000)
    expect(stack.metrics.value('shoal_received_bytes_total', { from: 'origin' })).toBe(70_010)
    expect(stack.metrics.value('shoal_sent_bytes_total', { to: 'client' })).toBe(70_010)
  })

  test('a manifest that many ask for at once is read from the origins at most once', async () => {
    let reads = 0
    const onRead = (body: Readable) => {
      reads += 1
      return body
    }
    await using stack = await startProxyStack({ onRead })
    const client = registryClient(stack.url)
    const image = imageFixture(random)
    await pushImage(client, 'a', image, ['t'])
    const answers = await Promise.all(Array.from({ length: 20 }, () => client.send('GET', '/v2/a/manifests/t')))
    for (const { body } of answers) expect(body.equals(image.manifest.bytes)).toBe(true)
    expect(reads).toBe(0)
  })

  test('a backend that lost or changed the bytes of a manifest is found out', async () => {
    await using stack = await startProxyStack()
    const other = registryClient(stack.url)
    const image = imageFixture(random)
    await pushImage(other, 'a', image, ['t'])
    const { digest, bytes } = image.manifest
    await using fresh = await stack.secondProxy()
    stack.blobs.set(digest, Buffer.alloc(bytes.byteLength))
    expect((await registryClient(fresh.url).send('GET', '/v2/a/manifests/t')).status).toBe(502)
    stack.blobs.delete(digest)
    const lost = await registryClient(fresh.url).send('GET', '/v2/a/manifests/t')
    expect([lost.status, lost.errorCode()]).toEqual([404, 'MANIFEST_UNKNOWN'])
    stack.blobs.set(digest, bytes)
    const healed = await registryClient(fresh.url).send('GET', '/v2/a/manifests/t')
    expect(healed.body.equals(bytes)).toBe(true)
  })

  test('an upload goes on at another proxy that has the same secret, not at one with another', async () => {
    await using stack = await startProxyStack()
    await using twin = await stack.secondProxy()
    await using stranger = await stack.secondProxy('another secret of the test')
    const { digest, bytes } = blobFixture(random.bytes(1000))
    const location = await openUpload(stack, 'a')
    expect((await registryClient(stranger.url).send('GET', location)).status).toBe(404)
    const answer = await registryClient(twin.url).send('PUT', closingUrl(location, digest), { body: bytes })
    expect(answer.status).toBe(201)
    expect((await registryClient(stack.url).send('GET', `/v2/a/blobs/${digest}`)).body.equals(bytes)).toBe(true)
  })
})
