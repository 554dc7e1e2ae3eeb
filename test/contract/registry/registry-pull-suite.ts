import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { seededRandom } from '../../../lib/base/index.ts'
import { digestOf } from '../../../lib/core/index.ts'
import { readByteranges } from '../../kit/byteranges.ts'
import type { RegistryAnswer, RegistryClient } from '../../kit/registry-client.ts'
import { clientOf, type PullFixture, pullFixture, REPOSITORY, type RunningRegistry } from './running-registry.ts'

const unknown = digestOf(Buffer.from('nobody has this'))

/**
 * What every registry must answer to readers, over real HTTP.
 * @param make starts a registry with the fixture in REPOSITORY, and another repository that has none of its content
 */
export function registryPullSuite(name: string, make: (fixture: PullFixture) => Promise<RunningRegistry>): void {
  describe(`${name} as a registry to pull from`, () => {
    const fixture = pullFixture()
    const { manifest, layers } = fixture.image
    const [small, large, empty] = layers as [(typeof layers)[0], (typeof layers)[0], (typeof layers)[0]]
    let registry: RunningRegistry | undefined
    const client = clientOf(() => registry)
    const send: RegistryClient['send'] = (...args) => client().send(...args)

    beforeAll(async () => {
      registry = await make(fixture)
    })
    afterAll(async () => registry?.[Symbol.asyncDispose]())

    describe('ping', () => {
      test.each(['/v2', '/v2/'])('%s answers 200 with the API version', async (path) => {
        const answer = await send('GET', path)
        expect(answer.status).toBe(200)
        expect(answer.headers['docker-distribution-api-version']).toBe('registry/2.0')
        expect(answer.headers['x-content-type-options']).toBe('nosniff')
        expect((await send('HEAD', path)).status).toBe(200)
      })
    })

    describe('manifests', () => {
      test.each([
        ['tag', 'v1'],
        ['digest', manifest.digest],
      ])('come byte for byte with their type when asked by %s', async (_kind, reference) => {
        const answer = await send('GET', `/v2/${REPOSITORY}/manifests/${reference}`)
        expect(answer.status).toBe(200)
        expect(answer.body.equals(manifest.bytes)).toBe(true)
        expect(answer.headers).toMatchObject({
          'content-type': manifest.mediaType,
          'content-length': String(manifest.bytes.byteLength),
          'docker-content-digest': manifest.digest,
          etag: `"${manifest.digest}"`,
        })
        expect(answer.headers['content-encoding']).toBeUndefined()
      })

      test('HEAD gives the header of GET and no body', async () => {
        const answer = await send('HEAD', `/v2/${REPOSITORY}/manifests/v1`)
        expect(answer.status).toBe(200)
        expect(answer.body.byteLength).toBe(0)
        expect(answer.headers).toMatchObject({
          'content-type': manifest.mediaType,
          'content-length': String(manifest.bytes.byteLength),
          'docker-content-digest': manifest.digest,
        })
      })

      test.each([
        ['an unknown tag', 'nosuchtag'],
        ['an unknown digest', unknown],
        ['a malformed tag', '.INVALID_MANIFEST_NAME'],
        ['a malformed digest', 'sha256:totallywrong'],
        ['an unknown algorithm', `md5:${'0'.repeat(32)}`],
      ])('%s is 404', async (_what, reference) => {
        const answer = await send('GET', `/v2/${REPOSITORY}/manifests/${reference}`)
        expect(answer.status).toBe(404)
        expect(answer.errorCode()).toBe('MANIFEST_UNKNOWN')
        expect(answer.headers['content-type']).toBe('application/json')
        expect((await send('HEAD', `/v2/${REPOSITORY}/manifests/${reference}`)).status).toBe(404)
      })

      test.each([`"${manifest.digest}"`, manifest.digest, '*', `"x", W/"${manifest.digest}"`])(
        'If-None-Match %s is answered 304',
        async (tag) => {
          const path = `/v2/${REPOSITORY}/manifests/v1`
          const answer = await send('GET', path, { headers: { 'if-none-match': tag } })
          expect(answer.status).toBe(304)
          expect(answer.headers['docker-content-digest']).toBe(manifest.digest)
        },
      )

      test('any Accept is answered with what was pushed', async () => {
        for (const accept of ['*/*', 'application/json', 'application/vnd.docker.distribution.manifest.v2+json']) {
          const answer = await send('GET', `/v2/${REPOSITORY}/manifests/v1`, { headers: { accept } })
          expect(answer.headers['content-type']).toBe(manifest.mediaType)
        }
      })
    })

    describe('blobs', () => {
      test.each([
        ['small', small],
        ['large', large],
        ['empty', empty],
      ])('a %s blob comes whole', async (_size, blob) => {
        const answer = await send('GET', `/v2/${REPOSITORY}/blobs/${blob.digest}`, {
          headers: { 'accept-encoding': 'gzip' },
        })
        expect(answer.status).toBe(200)
        expect(answer.body.equals(blob.bytes)).toBe(true)
        expect(answer.headers).toMatchObject({
          'content-type': 'application/octet-stream',
          'content-length': String(blob.bytes.byteLength),
          'docker-content-digest': blob.digest,
          etag: `"${blob.digest}"`,
          'accept-ranges': 'bytes',
        })
        expect(answer.headers['content-encoding']).toBeUndefined()
      })

      test('HEAD gives the length and no body, also for the empty blob', async () => {
        for (const { digest, bytes } of layers) {
          const answer = await send('HEAD', `/v2/${REPOSITORY}/blobs/${digest}`)
          expect(answer.status).toBe(200)
          expect(answer.headers['content-length']).toBe(String(bytes.byteLength))
          expect(answer.headers['docker-content-digest']).toBe(digest)
          expect(answer.body.byteLength).toBe(0)
        }
      })

      test('an unknown blob is 404, also in an unknown repository', async () => {
        for (const repository of [REPOSITORY, 'nobody/knows']) {
          const answer = await send('GET', `/v2/${repository}/blobs/${unknown}`)
          expect(answer.status).toBe(404)
          expect(answer.errorCode()).toBe('BLOB_UNKNOWN')
          expect((await send('HEAD', `/v2/${repository}/blobs/${unknown}`)).status).toBe(404)
        }
      })

      test('a name and a digest of the greatest length are read to their end', async () => {
        const longest = `${'a/'.repeat(127)}a`
        const digest = digestOf(Buffer.from('nobody has this'), 'sha512')
        const answer = await send('GET', `/v2/${longest}/blobs/${digest}`)
        expect([answer.status, answer.errorCode()]).toEqual([404, 'BLOB_UNKNOWN'])
        expect(answer.json()).toMatchObject({ errors: [{ detail: { digest } }] })
      })

      test('a malformed digest is 400', async () => {
        const answer = await send('GET', `/v2/${REPOSITORY}/blobs/sha256:xyz`)
        expect(answer.status).toBe(400)
        expect(answer.errorCode()).toBe('DIGEST_INVALID')
      })

      test('If-None-Match with the digest is answered 304', async () => {
        const headers = { 'if-none-match': `"${small.digest}"`, range: 'bytes=0-1' }
        expect((await send('GET', `/v2/${REPOSITORY}/blobs/${small.digest}`, { headers })).status).toBe(304)
      })
    })

    describe('ranges of a blob of 3000 bytes', () => {
      const get = (range: string, headers = {}) =>
        send('GET', `/v2/${REPOSITORY}/blobs/${small.digest}`, { headers: { range, ...headers } })

      test.each([
        ['bytes=500-1499', 500, 1500],
        ['bytes=0-0', 0, 1],
        ['bytes=500-', 500, 3000],
        ['bytes=0-', 0, 3000],
        ['bytes=-500', 2500, 3000],
        ['bytes=-5000', 0, 3000],
        ['bytes=2000-5000', 2000, 3000],
        [`bytes=2999-${'9'.repeat(30)}`, 2999, 3000],
        ['bytes= 10 - 19 ', 10, 20],
      ])('%s gives just those bytes', async (range, start, end) => {
        const answer = await get(range)
        expect(answer.status).toBe(206)
        expect(answer.headers['content-range']).toBe(`bytes ${start}-${end - 1}/3000`)
        expect(answer.headers['content-length']).toBe(String(end - start))
        expect(answer.body.equals(small.bytes.subarray(start, end))).toBe(true)
      })

      test.each(['bytes=3000-', 'bytes=5000-10000', 'bytes=500-0', 'bytes=-0', `bytes=${'9'.repeat(30)}-`])(
        '%s cannot be satisfied and names the size',
        async (range) => {
          const answer = await get(range)
          expect(answer.status).toBe(416)
          expect(answer.headers['content-range']).toBe('bytes */3000')
          expect(answer.errorCode()).toBe('RANGE_INVALID')
          expect(answer.headers['cache-control']).toBeUndefined()
        },
      )

      test.each<[range: string, ...parts: [start: number, end: number][]]>([
        ['bytes=0-9,20-29', [0, 10], [20, 30]],
        ['bytes=0-9,10-19', [0, 10], [10, 20]],
        ['bytes=2000-2009,0-9', [2000, 2010], [0, 10]],
        ['bytes=0-9,5000-', [0, 10]],
        ['bytes=0-9, -5', [0, 10], [2995, 3000]],
      ])('%s gives a part for each', async (range, ...wanted) => {
        const answer = await get(range)
        expect(answer.status).toBe(206)
        expect(answer.headers['content-length']).toBe(String(answer.body.length))
        const parts = readByteranges(answer.headers['content-type'], answer.body)
        expect(parts.map(({ start, end, bytes }) => [start, end, bytes])).toEqual(
          wanted.map(([start, end]) => [start, end, small.bytes.subarray(start, end)]),
        )
      })

      test.each([`bytes=0-,0-0`, `bytes=${'0-0,'.repeat(1024)}0-0`])('%s is refused', async (range) => {
        const answer = await get(range)
        expect(answer.status).toBe(400)
        expect(answer.errorCode()).toBe('UNSUPPORTED')
      })

      test.each(['lines=0-9', 'bytes=-', 'bytes', 'bytes=a-b', 'bytes=--5'])('%s gets the whole', async (range) => {
        const answer = await get(range)
        expect(answer.status).toBe(200)
        expect(answer.body.equals(small.bytes)).toBe(true)
      })

      test('If-Range with the digest keeps the range, anything else drops it', async () => {
        expect((await get('bytes=0-9', { 'if-range': `"${small.digest}"` })).status).toBe(206)
        expect((await get('bytes=0-9', { 'if-range': `W/"${small.digest}"` })).status).toBe(200)
        expect((await get('bytes=0-9', { 'if-range': 'Sat, 01 Jan 2022 00:00:00 GMT' })).status).toBe(200)
      })

      test('an empty blob has no range', async () => {
        const headers = { range: 'bytes=0-' }
        expect((await send('GET', `/v2/${REPOSITORY}/blobs/${empty.digest}`, { headers })).status).toBe(416)
      })

      test('HEAD ignores the range', async () => {
        const headers = { range: 'bytes=0-9' }
        const answer = await send('HEAD', `/v2/${REPOSITORY}/blobs/${small.digest}`, { headers })
        expect(answer.status).toBe(200)
        expect(answer.headers['content-length']).toBe('3000')
      })

      test('any range in bounds is the same bytes of the whole', async () => {
        const random = seededRandom(7)
        for (let i = 0; i < 10; i += 1) {
          const start = Math.floor(random.next() * 69_999)
          const end = start + 1 + Math.floor(random.next() * (70_000 - start - 1))
          const headers = { range: `bytes=${start}-${end - 1}` }
          const answer = await send('GET', `/v2/${REPOSITORY}/blobs/${large.digest}`, { headers })
          expect(answer.body.equals(large.bytes.subarray(start, end))).toBe(true)
        }
      })
    })

    describe('tag lists', () => {
      const list = (query = '') => send('GET', `/v2/${REPOSITORY}/tags/list${query}`)
      const linkOf = ({ headers: { link } }: RegistryAnswer) => link

      test('are whole and in byte order', async () => {
        const answer = await list()
        expect(answer.status).toBe(200)
        expect(answer.json()).toEqual({ name: REPOSITORY, tags: fixture.tags })
        expect(linkOf(answer)).toBeUndefined()
      })

      test('come in pages that follow one another', async () => {
        const first = await list('?n=2')
        expect(first.json()).toMatchObject({ tags: fixture.tags.slice(0, 2) })
        const next = /^<([^>]+)>; rel="next"$/.exec(String(linkOf(first)))?.[1] ?? ''
        const second = await send('GET', next)
        expect(second.json()).toMatchObject({ tags: fixture.tags.slice(2, 4) })
        expect((await list('?n=2&last=v2')).json()).toMatchObject({ tags: ['v3'] })
      })

      test('n=0 is empty without a Link, more than there are is all without a Link', async () => {
        const none = await list('?n=0')
        expect(none.json()).toMatchObject({ tags: [] })
        expect(linkOf(none)).toBeUndefined()
        const all = await list('?n=999999')
        expect(all.json()).toMatchObject({ tags: fixture.tags })
        expect(linkOf(all)).toBeUndefined()
      })

      test.each(['-1', 'x', '1.5', ''])('n=%s is refused', async (n) => {
        const answer = await list(`?n=${n}`)
        expect(answer.status).toBe(400)
        expect(answer.errorCode()).toBe('PAGINATION_NUMBER_INVALID')
      })

      test('of an unknown repository are 404', async () => {
        const answer = await send('GET', '/v2/nobody/knows/tags/list')
        expect(answer.status).toBe(404)
        expect(answer.errorCode()).toBe('NAME_UNKNOWN')
      })
    })

    describe('the rest', () => {
      test('the catalog lists the repository', async () => {
        const answer = await send('GET', '/v2/_catalog')
        expect(answer.status).toBe(200)
        expect((answer.json() as { repositories: string[] }).repositories).toContain(REPOSITORY)
      })

      test('unknown query parameters are ignored', async () => {
        expect((await send('GET', `/v2/${REPOSITORY}/manifests/v1?vendor=x&artifactType=y`)).status).toBe(200)
      })

      test.each(['manifests/v1', `blobs/${small.digest}`, 'tags/list'])(
        'another registry by ns is 404 for %s, although we have that name',
        async (path) => {
          const answer = await send('GET', `/v2/${REPOSITORY}/${path}?ns=docker.io`)
          expect(answer.status).toBe(404)
          expect(answer.errorCode()).toBe('NAME_UNKNOWN')
          expect((await send('GET', `/v2/${REPOSITORY}/${path}?ns=`)).status).toBe(200)
        },
      )

      test.each([
        ['/v2/UPPER/manifests/v1', 400, 'NAME_INVALID'],
        ['/v2/a%2fb/manifests/v1', 400, 'NAME_INVALID'],
        ['/v2/a/../b/manifests/v1', 400, 'NAME_INVALID'],
        ['/v2/a/%2e%2e/b/manifests/v1', 400, 'NAME_INVALID'],
        ['/v2/a%00/manifests/v1', 400, 'NAME_INVALID'],
        ['/v2//manifests/v1', 400, 'NAME_INVALID'],
        [`/v2/${'a'.repeat(256)}/manifests/v1`, 400, 'NAME_INVALID'],
        ['/v2/a/b/c', 404, 'NAME_UNKNOWN'],
        ['/v2/a/tags/other', 404, 'NAME_UNKNOWN'],
        ['/v3/a/manifests/v1', 404, 'NAME_UNKNOWN'],
      ])('%s is %i %s', async (path, status, code) => {
        const answer = await send('GET', path)
        expect(answer.status).toBe(status)
        expect(answer.errorCode()).toBe(code)
        expect(answer.headers['docker-distribution-api-version']).toBe('registry/2.0')
      })

      test('a method that a path does not have is 405 and named', async () => {
        const answer = await send('POST', `/v2/${REPOSITORY}/tags/list`)
        expect(answer.status).toBe(405)
        expect(answer.errorCode()).toBe('UNSUPPORTED')
        expect(answer.headers.allow).toBe('GET, HEAD')
      })
    })

    describe('what only another repository has', () => {
      test.each([`manifests/${manifest.digest}`, `blobs/${small.digest}`])('%s is 404', async (path) => {
        expect((await send('GET', `/v2/suite/other/${path}`)).status).toBe(404)
      })
    })
  })
}
