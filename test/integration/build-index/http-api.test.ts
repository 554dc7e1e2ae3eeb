import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { memoryBackend } from '../../../lib/backend/index.ts'
import { parseConfig } from '../../../lib/config/index.ts'
import { digestOf } from '../../../lib/core/index.ts'
import { silentLogger, silentMetrics } from '../../../lib/telemetry/index.ts'
import { type BuildIndexService, buildIndexSchema, buildIndexService } from '../../../services/build-index/index.ts'
import { type FaultyBackend, faultyBackend } from '../../kit/faulty-backend.ts'

const digest = digestOf(Buffer.from('one'))
const descriptor = { digest, mediaType: 'application/vnd.oci.image.manifest.v1+json', size: 3 }
const repository = '/repositories/team%2Fapp'

let faulty: FaultyBackend
let service: BuildIndexService

async function call(method: string, path: string, body?: unknown) {
  const init = {
    method,
    headers: { 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  }
  const response = await fetch(service.url + path, init)
  const text = await response.text()
  return { status: response.status, body: text === '' ? undefined : (JSON.parse(text) as unknown) }
}
const failure = (status: number, code: string) => ({ status, body: { error: { code } } })

beforeEach(async () => {
  faulty = faultyBackend(memoryBackend())
  const listener = { bind: '127.0.0.1:auto' }
  const config = parseConfig(buildIndexSchema, { http: listener, ops: listener, admin: listener, probeInterval: '50ms' })
  service = buildIndexService({ logger: silentLogger(), metrics: silentMetrics(), backend: faulty.backend }, config)
  await service.start()
})
afterEach(() => service.stop())

describe('the HTTP API of a build-index', () => {
  test('a tag is set, read, listed and removed', async () => {
    expect(await call('PUT', `${repository}/tags/v1`, descriptor)).toEqual({ status: 204, body: undefined })
    expect(await call('GET', `${repository}/tags/v1`)).toEqual({ status: 200, body: descriptor })
    expect(await call('GET', `${repository}/tags`)).toEqual({ status: 200, body: { tags: ['v1'] } })
    expect(await call('GET', '/repositories')).toEqual({ status: 200, body: { repositories: ['team/app'] } })
    expect(await call('DELETE', `${repository}/tags/v1`)).toEqual({ status: 204, body: undefined })
    expect(await call('GET', `${repository}/tags/v1`)).toMatchObject(failure(404, 'MANIFEST_UNKNOWN'))
    expect(await call('DELETE', `${repository}/tags/v1`)).toMatchObject(failure(404, 'MANIFEST_UNKNOWN'))
  })

  test('manifests and blobs are linked, read and unlinked', async () => {
    expect((await call('PUT', `${repository}/manifests/${digest}`, descriptor)).status).toBe(204)
    expect(await call('GET', `${repository}/manifests/${digest}`)).toEqual({ status: 200, body: descriptor })
    expect((await call('DELETE', `${repository}/manifests/${digest}`)).status).toBe(204)
    expect(await call('GET', `${repository}/manifests/${digest}`)).toMatchObject(failure(404, 'MANIFEST_UNKNOWN'))
    expect(await call('DELETE', `${repository}/manifests/${digest}`)).toMatchObject(failure(404, 'MANIFEST_UNKNOWN'))
    expect((await call('PUT', `${repository}/blobs/${digest}`, { size: 3 })).status).toBe(204)
    expect(await call('GET', `${repository}/blobs/${digest}`)).toEqual({ status: 200, body: { digest, size: 3 } })
    expect((await call('DELETE', `${repository}/blobs/${digest}`)).status).toBe(204)
    expect(await call('GET', `${repository}/blobs/${digest}`)).toMatchObject(failure(404, 'BLOB_UNKNOWN'))
  })

  test('pages carry the start of the next one', async () => {
    for (const tag of ['c', 'a', 'b']) await call('PUT', `${repository}/tags/${tag}`, descriptor)
    expect((await call('GET', `${repository}/tags?n=2`)).body).toEqual({ tags: ['a', 'b'], next: 'b' })
    expect((await call('GET', `${repository}/tags?n=2&last=b`)).body).toEqual({ tags: ['c'] })
    expect((await call('GET', `${repository}/tags?n=0`)).body).toEqual({ tags: [] })
    expect((await call('GET', '/repositories?n=1&last=')).body).toEqual({ repositories: ['team/app'] })
  })

  test.each([
    ['GET', '/repositories?n=-1', 400, 'PAGINATION_NUMBER_INVALID'],
    ['GET', '/repositories?n=ten', 400, 'PAGINATION_NUMBER_INVALID'],
    ['GET', `${repository}/tags?n=1.5`, 400, 'PAGINATION_NUMBER_INVALID'],
    ['GET', `${repository}/tags?n=`, 400, 'PAGINATION_NUMBER_INVALID'],
    ['GET', `${repository}/tags?last=a%20b`, 400, 'TAG_INVALID'],
    ['GET', `${repository}/tags`, 404, 'NAME_UNKNOWN'],
    ['GET', '/repositories/UPPER/tags', 400, 'NAME_INVALID'],
    ['GET', '/repositories/a%2F..%2Fb/tags', 400, 'NAME_INVALID'],
    ['GET', `${repository}/tags/-x`, 400, 'TAG_INVALID'],
    ['GET', `${repository}/manifests/sha256:12`, 400, 'DIGEST_INVALID'],
    ['GET', `${repository}/blobs/md5:12`, 400, 'DIGEST_INVALID'],
    ['GET', '/nothing', 404, 'NOT_FOUND'],
    ['POST', '/repositories', 405, 'METHOD_NOT_ALLOWED'],
  ])('%s %s is %i %s', async (method, path, status, code) => {
    expect(await call(method, path)).toMatchObject(failure(status, code))
  })

  test.each([
    ['no JSON', '{', 'BODY_INVALID'],
    ['no descriptor', { digest }, 'BODY_INVALID'],
    ['a negative size', { ...descriptor, size: -1 }, 'BODY_INVALID'],
    ['another digest', { ...descriptor, digest: digestOf(Buffer.from('two')) }, 'DIGEST_INVALID'],
  ])('a manifest whose body has %s is refused', async (_, body, code) => {
    expect(await call('PUT', `${repository}/manifests/${digest}`, body)).toMatchObject(failure(400, code))
    expect((await call('GET', '/repositories')).body).toEqual({ repositories: [] })
  })

  test('a body that is too large is refused', async () => {
    const large = { ...descriptor, mediaType: 'm'.repeat(20_000) }
    expect(await call('PUT', `${repository}/tags/v1`, large)).toMatchObject(failure(413, 'BODY_TOO_LARGE'))
  })

  test('an outage of the backend is 503, never 404, and /readyz names it', async () => {
    await call('PUT', `${repository}/tags/v1`, descriptor)
    const ready = async () => (await fetch(`${service.opsUrl}/readyz`)).status
    expect(await ready()).toBe(200)
    faulty.break()
    for (const path of ['/repositories', `${repository}/tags`, `${repository}/tags/v1`, `${repository}/tags/none`]) {
      expect(await call('GET', path)).toMatchObject(failure(503, 'BACKEND_UNAVAILABLE'))
    }
    expect(await call('GET', `${repository}/blobs/${digest}`)).toMatchObject(failure(503, 'BACKEND_UNAVAILABLE'))
    expect(await call('PUT', `${repository}/tags/v2`, descriptor)).toMatchObject(failure(503, 'BACKEND_UNAVAILABLE'))
    expect(await call('DELETE', `${repository}/tags/v1`)).toMatchObject(failure(503, 'BACKEND_UNAVAILABLE'))
    faulty.heal()
    expect(await call('GET', `${repository}/tags/v1`)).toEqual({ status: 200, body: descriptor })
  })
})
