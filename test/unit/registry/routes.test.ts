import { describe, expect, test } from '@jest/globals'
import { appError, seededRandom } from '../../../lib/base/index.ts'
import { memoryRegistryStorage, registryRoutes } from '../../../lib/registry/index.ts'
import { pushImage } from '../../contract/registry/running-registry.ts'
import { serveRegistry } from '../../contract/registry/serve-registry.ts'
import { blobFixture, imageFixture } from '../../kit/image-fixture.ts'
import { registryClient } from '../../kit/registry-client.ts'

const SECRET = 'a secret for the test'
const withToken = { authorization: `Basic ${Buffer.from(`any:${SECRET}`).toString('base64')}` }

describe('registryRoutes', () => {
  test('a registry that takes writes needs a secret', () => {
    const storage = memoryRegistryStorage()
    for (const secret of [{}, { uploadSecret: '' }]) {
      const make = () => registryRoutes(storage, { ownNames: [], ...secret })
      expect(make).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }))
    }
  })

  test('without writes every push is 405 and reads go on', async () => {
    const { blobs, manifests, tags, referrers } = memoryRegistryStorage()
    await using registry = await serveRegistry({ blobs, manifests, tags, referrers })
    const client = registryClient(registry.url)
    for (const [method, path] of [
      ['POST', '/v2/a/blobs/uploads/'],
      ['PUT', '/v2/a/manifests/t'],
      ['DELETE', '/v2/a/manifests/t'],
      ['GET', '/v2/a/blobs/uploads/x'],
    ] as const) {
      const answer = await client.send(method, path)
      expect([method, path, answer.status, answer.errorCode()]).toEqual([method, path, 405, 'UNSUPPORTED'])
    }
    expect((await client.send('GET', '/v2/')).status).toBe(200)
  })

  test('one that takes no writes is a mirror: it never says 429, which containerd repeats five times at once', async () => {
    const { blobs, manifests, referrers, writes } = memoryRegistryStorage()
    const busy = {
      list: () => Promise.reject(appError('TOOMANYREQUESTS')),
      repositories: () => Promise.reject(appError('TOOMANYREQUESTS')),
    }
    for (const [storage, status] of [
      [{ blobs, manifests, referrers, tags: busy }, 503],
      [{ blobs, manifests, referrers, tags: busy, writes }, 429],
    ] as const) {
      await using registry = await serveRegistry(storage)
      const answer = await registryClient(registry.url).send('GET', '/v2/a/tags/list')
      expect([answer.status, answer.headers['retry-after']]).toEqual([status, status === 503 ? '1' : undefined])
    }
  })

  test('our own hosts in ns are compared in lower case; every other one is 404', async () => {
    await using registry = await serveRegistry(memoryRegistryStorage(), { ownNames: ['Registry.example.com:5000'] })
    const client = registryClient(registry.url)
    for (const [ns, status] of [
      ['', 200],
      ['registry.example.com:5000', 200],
      ['REGISTRY.EXAMPLE.COM:5000', 200],
      ['registry.example.com', 404],
      ['docker.io', 404],
      ['own', 404],
    ] as const) {
      expect([ns, (await client.send('GET', `/v2/?ns=${ns}`)).status]).toEqual([ns, 200])
      expect([ns, (await client.send('GET', `/v2/_catalog?ns=${ns}`)).status]).toEqual([ns, status])
    }
  })

  test('a token guards pushes, upload states and the ping that clients learn it from', async () => {
    await using registry = await serveRegistry(memoryRegistryStorage(), { secret: SECRET })
    const client = registryClient(registry.url)
    for (const [method, path] of [
      ['GET', '/v2/'],
      ['POST', '/v2/a/blobs/uploads/'],
      ['PUT', '/v2/a/manifests/t'],
    ] as const) {
      const answer = await client.send(method, path)
      expect([method, path, answer.status, answer.errorCode()]).toEqual([method, path, 401, 'UNAUTHORIZED'])
      expect(answer.headers['www-authenticate']).toMatch(/^Basic realm=/)
    }
    const opened = await client.send('POST', '/v2/a/blobs/uploads/', { headers: withToken })
    expect(opened.status).toBe(202)
    expect((await client.send('GET', opened.headers.location ?? '')).status).toBe(401)
    expect((await client.send('GET', opened.headers.location ?? '', { headers: withToken })).status).toBe(204)
    expect((await client.send('GET', '/v2/a/tags/list')).status).toBe(404)
    expect((await client.send('GET', '/v2/', { headers: withToken })).status).toBe(200)
  })

  test('payload bytes are told as they pass, without the ones of headers and errors', async () => {
    let [received, sent] = [0, 0]
    const traffic = {
      received: (bytes: number) => {
        received += bytes
      },
      sent: (bytes: number) => {
        sent += bytes
      },
    }
    await using registry = await serveRegistry(memoryRegistryStorage(), { traffic })
    const client = registryClient(registry.url)
    const image = imageFixture(seededRandom(1), [1000])
    await pushImage(client, 'a', image, ['t'])
    const pushed = image.config.bytes.byteLength + 1000 + image.manifest.bytes.byteLength
    expect([received, sent]).toEqual([pushed, 0])
    await client.send('GET', `/v2/a/blobs/${image.layers[0]!.digest}`, { headers: { range: 'bytes=0-99' } })
    await client.send('GET', '/v2/a/manifests/t')
    await client.send('HEAD', '/v2/a/manifests/t')
    await client.send('GET', `/v2/a/blobs/${blobFixture('unknown').digest}`)
    expect([received, sent]).toEqual([pushed, 100 + image.manifest.bytes.byteLength])
  })
})
