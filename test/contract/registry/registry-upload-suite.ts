import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { seededRandom } from '../../../lib/base/index.ts'
import { digestOf } from '../../../lib/core/index.ts'
import { blobFixture } from '../../kit/image-fixture.ts'
import { closingUrl, type RegistryClient } from '../../kit/registry-client.ts'
import { clientOf, nameSequence, type RunningRegistry } from './running-registry.ts'

const random = seededRandom(4711)

/**
 * What every writable registry must do with uploads, over real HTTP. `readFrom` gives another front of the same registry, at
 * which blobs are read.
 */
export function registryUploadSuite<R extends RunningRegistry>(
  name: string,
  make: () => Promise<R>,
  readFrom: (registry: R) => RunningRegistry = (registry) => registry,
): void {
  describe(`${name} as a registry to upload to`, () => {
    let registry: R | undefined
    const client = clientOf(() => registry)
    const reader = clientOf(() => registry && readFrom(registry))
    const send: RegistryClient['send'] = (...args) => client().send(...args)

    beforeAll(async () => {
      registry = await make()
    })
    afterAll(async () => registry?.[Symbol.asyncDispose]())

    /** A new repository name for each test. */
    const freshName = nameSequence('suite/upload')
    const open = async (repository: string) => {
      const answer = await send('POST', `/v2/${repository}/blobs/uploads/`)
      expect(answer.status).toBe(202)
      return answer.headers.location ?? ''
    }
    const read = (repository: string, digest: string) => reader().send('GET', `/v2/${repository}/blobs/${digest}`)
    const patch = (location: string, body: Uint8Array, headers = {}) => send('PATCH', location, { body, headers })

    test('every answer of a session says how many bytes have come', async () => {
      const repository = freshName()
      for (const slash of ['', '/']) {
        const opened = await send('POST', `/v2/${repository}/blobs/uploads${slash}`)
        expect(opened.status).toBe(202)
        expect(opened.headers).toMatchObject({ range: '0-0', 'content-length': '0' })
        expect(opened.headers['docker-upload-uuid']).toMatch(/^[\w.-]+$/)
        expect(opened.headers.location).toMatch(/^\/v2\/suite\/upload\d+\/blobs\/uploads\/[\w.-]+\?_state=/)
      }
    })

    test('an algorithm for the digest that is not known is refused before any byte is sent', async () => {
      for (const [algorithm, status] of [
        ['sha256', 202],
        ['sha512', 202],
        ['', 202],
        ['md5', 400],
      ] as const) {
        const answer = await send('POST', `/v2/${freshName()}/blobs/uploads/?digest-algorithm=${algorithm}`)
        expect([algorithm, answer.status]).toEqual([algorithm, status])
      }
    })

    test('a chunk by Content-Length alone is appended, byte ranges may be written as in RFC 9110', async () => {
      const repository = freshName()
      const { bytes, digest } = blobFixture(random.bytes(100))
      const type = { 'content-type': 'application/octet-stream' }
      const first = await patch(await open(repository), bytes.subarray(0, 50), type)
      expect([first.status, first.headers.range]).toEqual([202, '0-49'])
      const range = { 'content-range': 'bytes 50-99/*' }
      const second = await patch(first.headers.location ?? '', bytes.subarray(50), range)
      expect([second.status, second.headers.range]).toEqual([202, '0-99'])
      expect((await send('PUT', closingUrl(second.headers.location ?? '', digest))).status).toBe(201)
    })

    test('a chunk sent twice is 416 with the place to go on from, and the session lives', async () => {
      const repository = freshName()
      const { bytes, digest } = blobFixture(random.bytes(200))
      const opened = await open(repository)
      const range = { 'content-range': '0-99' }
      await patch(opened, bytes.subarray(0, 100), range)
      for (const headers of [range, {}]) {
        const again = await patch(opened, bytes.subarray(0, 100), headers)
        expect([again.status, again.headers.range, again.errorCode()]).toEqual([416, '0-99', 'RANGE_INVALID'])
        expect(again.headers.location).toContain(`/v2/${repository}/blobs/uploads/`)
      }
      const status = await send('GET', opened)
      expect([status.status, status.headers.range]).toEqual([204, '0-99'])
      const rest = await patch(status.headers.location ?? '', bytes.subarray(100))
      expect((await send('PUT', closingUrl(rest.headers.location ?? '', digest))).status).toBe(201)
      expect((await read(repository, digest)).body.equals(bytes)).toBe(true)
    })

    test.each(['x', '5', '10-5', '-5', 'bytes', '0-1,2-3'])('Content-Range %s is refused', async (range) => {
      const answer = await patch(await open(freshName()), Buffer.from('ab'), { 'content-range': range })
      expect([answer.status, answer.errorCode()]).toEqual([416, 'RANGE_INVALID'])
    })

    test('a body of another length than its Content-Range is refused', async () => {
      const headers = { 'content-range': '0-9' }
      const declared = await patch(await open(freshName()), random.bytes(5), headers)
      expect([declared.status, declared.errorCode()]).toEqual([400, 'SIZE_INVALID'])
      for (const size of [5, 15]) {
        const body = random.bytes(size)
        const streamed = await send('PATCH', await open(freshName()), { body, headers, chunked: true })
        expect([streamed.status, streamed.errorCode()]).toEqual([400, 'SIZE_INVALID'])
      }
    })

    test.each(['', 'sha256:baddigest', 'md5:abc', 'nonsense'])('closing with digest "%s" is 400', async (digest) => {
      const answer = await send('PUT', closingUrl(await open(freshName()), digest), { body: 'x' })
      expect([answer.status, answer.errorCode()]).toEqual([400, 'DIGEST_INVALID'])
    })

    test('closing without a digest is 400', async () => {
      expect((await send('PUT', await open(freshName()), { body: 'x' })).status).toBe(400)
    })

    test('a blob of several megabytes arrives unchanged', async () => {
      const repository = freshName()
      const bytes = Buffer.alloc(5_000_000, random.bytes(65_537))
      const digest = digestOf(bytes)
      const answer = await send('PATCH', await open(repository), { body: bytes, chunked: true })
      expect((await send('PUT', closingUrl(answer.headers.location ?? '', digest))).status).toBe(201)
      const back = await read(repository, digest)
      expect(createHash('sha256').update(back.body).digest('hex')).toBe(digest.slice(7))
    })

    test('a cancelled session is gone', async () => {
      const location = await open(freshName())
      expect((await send('DELETE', location)).status).toBe(204)
      for (const method of ['GET', 'DELETE', 'PATCH']) {
        const answer = await send(method, location)
        expect([method, answer.status, answer.errorCode()]).toEqual([method, 404, 'BLOB_UPLOAD_UNKNOWN'])
      }
    })

    test('a session of another repository, a forged or a missing state is unknown', async () => {
      const repository = freshName()
      const location = await open(repository)
      const other = await open(repository)
      const [path = '', query = ''] = location.split('?')
      const tampered = query.replace(/^_state=./, (start) => (start.endsWith('X') ? '_state=Y' : '_state=X'))
      const places = [
        location.replace(repository, freshName()),
        path,
        `${path}?${tampered}`,
        `${path}?_state=`,
        `${path}?_state=${'a'.repeat(5000)}`,
        `${path}?${other.split('?')[1] ?? ''}`,
        `/v2/${repository}/blobs/uploads/nosuchsession`,
      ]
      for (const place of places) {
        const answer = await send('PATCH', place, { body: 'x' })
        expect([place, answer.status, answer.errorCode()]).toEqual([place, 404, 'BLOB_UPLOAD_UNKNOWN'])
      }
      expect((await send('GET', location)).headers.range).toBe('0-0')
    })

    describe('mounts', () => {
      const mount = (repository: string, digest: string, from?: string) =>
        send('POST', `/v2/${repository}/blobs/uploads/?mount=${digest}${from === undefined ? '' : `&from=${from}`}`)

      test('a blob of another repository is linked without bytes', async () => {
        const [from, to] = [freshName(), freshName()]
        const { digest, bytes } = blobFixture(random.bytes(100))
        await client().pushBlob(from, digest, bytes)
        const answer = await mount(to, digest, encodeURIComponent(from))
        expect([answer.status, answer.headers.location]).toEqual([201, `/v2/${to}/blobs/${digest}`])
        expect(answer.headers['docker-content-digest']).toBe(digest)
        expect((await read(to, digest)).body.equals(bytes)).toBe(true)
      })

      test('a mount that is not possible becomes an upload session', async () => {
        const [from, to] = [freshName(), freshName()]
        const { digest, bytes } = blobFixture(random.bytes(100))
        await client().pushBlob(from, digest, bytes)
        const unknown = blobFixture(random.bytes(100)).digest
        for (const [wanted, source] of [
          [unknown, from],
          [unknown, undefined],
          [digest, freshName()],
          [digest, to],
          [digest, 'NOT/A/NAME'],
        ] as const) {
          const answer = await mount(to, wanted, source)
          expect([wanted, source, answer.status]).toEqual([wanted, source, 202])
          expect((await send('DELETE', answer.headers.location ?? '')).status).toBe(204)
        }
        expect((await read(to, digest)).status).toBe(404)
        expect((await mount(from, digest, from)).status).toBe(202)
      })

      test('one that names no repository finds a blob of any that links it, and nothing that is only stored', async () => {
        const [from, to, late] = [freshName(), freshName(), freshName()]
        const { digest, bytes } = blobFixture(random.bytes(100))
        await client().pushBlob(from, digest, bytes)
        expect((await mount(from, digest)).status).toBe(201)
        const answer = await mount(to, digest)
        expect([answer.status, answer.headers.location]).toEqual([201, `/v2/${to}/blobs/${digest}`])
        expect((await read(to, digest)).body.equals(bytes)).toBe(true)
        for (const each of [from, to]) expect((await send('DELETE', `/v2/${each}/blobs/${digest}`)).status).toBe(202)
        expect((await mount(late, digest)).status).toBe(202)
        expect((await read(late, digest)).status).toBe(404)
      })

      test('a malformed digest is 400', async () => {
        expect((await mount(freshName(), 'sha256:x', 'suite/a')).status).toBe(400)
      })
    })
  })
}
