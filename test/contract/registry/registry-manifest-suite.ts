import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { seededRandom } from '../../../lib/base/index.ts'
import { digestOf, MANIFEST_LIMIT } from '../../../lib/core/index.ts'
import {
  blobFixture,
  descriptorOf,
  type FixtureManifest,
  imageFixture,
  indexFixture,
  manifestFixture,
} from '../../kit/image-fixture.ts'
import type { RegistryClient } from '../../kit/registry-client.ts'
import { clientOf, nameSequence, pushImage, type RunningRegistry } from './running-registry.ts'

const random = seededRandom(1848)
const OCI_IMAGE = 'application/vnd.oci.image.manifest.v1+json'
const DOCKER_IMAGE = 'application/vnd.docker.distribution.manifest.v2+json'

/**
 * What every writable registry must do with manifests, tags and deletes, over real HTTP. `readFrom` gives another front of
 * the same registry, at which is read.
 */
export function registryManifestSuite<R extends RunningRegistry>(
  name: string,
  make: () => Promise<R>,
  readFrom: (registry: R) => RunningRegistry = (registry) => registry,
): void {
  describe(`${name} as a registry to push manifests to`, () => {
    let registry: R | undefined
    const client = clientOf(() => registry)
    const reader = clientOf(() => registry && readFrom(registry))
    const send: RegistryClient['send'] = (...args) => client().send(...args)

    beforeAll(async () => {
      registry = await make()
    })
    afterAll(async () => registry?.[Symbol.asyncDispose]())

    const freshName = nameSequence('suite/manifest')
    const put = (repository: string, reference: string, { bytes, mediaType }: FixtureManifest) =>
      send('PUT', `/v2/${repository}/manifests/${reference}`, { body: bytes, headers: { 'content-type': mediaType } })
    const get = (repository: string, reference: string) =>
      reader().send('GET', `/v2/${repository}/manifests/${reference}`)
    const tagsOf = async (repository: string) =>
      ((await reader().send('GET', `/v2/${repository}/tags/list`)).json() as { tags: string[] }).tags

    /** A repository with the empty config that artifacts use. */
    const withEmptyConfig = async () => {
      const repository = freshName()
      const config = blobFixture('{}')
      await client().pushBlob(repository, config.digest, config.bytes)
      return { repository, config: descriptorOf(config, 'application/vnd.oci.empty.v1+json') }
    }

    test('an image is stored byte for byte, by tag and by digest', async () => {
      const repository = freshName()
      const image = imageFixture(random)
      await pushImage(client(), repository, image, ['t1'])
      const { manifest } = image
      const answer = await put(repository, 't2', manifest)
      expect(answer.status).toBe(201)
      expect(answer.headers.location).toBe(`/v2/${repository}/manifests/${manifest.digest}`)
      expect(answer.headers['docker-content-digest']).toBe(manifest.digest)
      for (const reference of ['t1', 't2', manifest.digest]) {
        const back = await get(repository, reference)
        expect(back.body.equals(manifest.bytes)).toBe(true)
        expect(back.headers['content-type']).toBe(OCI_IMAGE)
      }
      expect(await tagsOf(repository)).toEqual(['t1', 't2'])
    })

    test('a tag moves', async () => {
      const repository = freshName()
      const [a, b] = [imageFixture(random), imageFixture(random)]
      await pushImage(client(), repository, a, ['t'])
      await pushImage(client(), repository, b, ['t'])
      expect((await get(repository, 't')).headers['docker-content-digest']).toBe(b.manifest.digest)
      expect((await get(repository, a.manifest.digest)).status).toBe(200)
    })

    test('a push by digest may name tags', async () => {
      const repository = freshName()
      const image = imageFixture(random)
      await pushImage(client(), repository, image)
      const tags = Array.from({ length: 10 }, (_, i) => `t${i}`)
      const query = tags.map((tag) => `tag=${tag}`).join('&')
      const answer = await put(repository, `${image.manifest.digest}?${query}`, image.manifest)
      expect([answer.status, answer.headers['oci-tag']]).toEqual([201, tags.join(', ')])
      expect(await tagsOf(repository)).toEqual(tags)
    })

    test('sha512 is kept when the client names it', async () => {
      const { repository, config } = await withEmptyConfig()
      const manifest = manifestFixture(OCI_IMAGE, { config, layers: [], annotations: { a: 'sha512' } })
      const digest = digestOf(manifest.bytes, 'sha512')
      const answer = await put(repository, digest, manifest)
      expect([answer.status, answer.headers['docker-content-digest']]).toEqual([201, digest])
      expect((await get(repository, digest)).headers['docker-content-digest']).toBe(digest)
    })

    test('an index, a nested index and an empty index are accepted', async () => {
      const repository = freshName()
      const images = [imageFixture(random), imageFixture(random)]
      for (const image of images) await pushImage(client(), repository, image)
      const index = indexFixture(images)
      expect((await put(repository, index.digest, index)).status).toBe(201)
      const nested = manifestFixture(index.mediaType, { manifests: [descriptorOf(index, index.mediaType)] })
      expect((await put(repository, 'nested', nested)).status).toBe(201)
      expect((await put(repository, 'empty', manifestFixture(index.mediaType, { manifests: [] }))).status).toBe(201)
      expect((await get(repository, 'nested')).body.equals(nested.bytes)).toBe(true)
    })

    test('an index whose manifests are missing is refused, entries of other types may be anywhere', async () => {
      const repository = freshName()
      const { manifest } = imageFixture(random)
      const index = manifestFixture('application/vnd.oci.image.index.v1+json', {
        manifests: [descriptorOf(manifest, manifest.mediaType)],
      })
      const answer = await put(repository, 't', index)
      expect([answer.status, answer.errorCode()]).toEqual([400, 'MANIFEST_BLOB_UNKNOWN'])
      const layer = descriptorOf(blobFixture('cache'), 'application/vnd.oci.image.layer.v1.tar+gzip')
      expect((await put(repository, 'cache', manifestFixture(index.mediaType, { manifests: [layer] }))).status).toBe(
        201,
      )
    })

    test('a manifest whose blobs are not in this repository is refused and names one', async () => {
      const [repository, other] = [freshName(), freshName()]
      const image = imageFixture(random)
      await pushImage(client(), other, image)
      await client().pushBlob(repository, image.config.digest, image.config.bytes)
      const answer = await put(repository, 't', image.manifest)
      expect([answer.status, answer.errorCode()]).toEqual([400, 'MANIFEST_BLOB_UNKNOWN'])
      expect(answer.json()).toMatchObject({ errors: [{ detail: { digest: image.layers[0]?.digest } }] })
      expect((await get(repository, 't')).status).toBe(404)
      expect((await get(repository, image.manifest.digest)).status).toBe(404)
    })

    test('foreign layers may be absent if they say where they are', async () => {
      const { repository, config } = await withEmptyConfig()
      const layer = descriptorOf(
        blobFixture('elsewhere'),
        'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip',
      )
      const foreign = manifestFixture(OCI_IMAGE, { config, layers: [{ ...layer, urls: ['https://example.test/l'] }] })
      expect((await put(repository, 't', foreign)).status).toBe(201)
      expect((await put(repository, 't', manifestFixture(OCI_IMAGE, { config, layers: [layer] }))).status).toBe(400)
    })

    test('artifacts, docker manifests, unknown fields and unknown types are taken', async () => {
      const { repository, config } = await withEmptyConfig()
      for (const [tag, manifest] of [
        ['artifact', manifestFixture(OCI_IMAGE, { config, layers: [config], artifactType: 'application/x.test' })],
        ['docker', manifestFixture(DOCKER_IMAGE, { config, layers: [] })],
        ['fields', manifestFixture(OCI_IMAGE, { config, layers: [], org: { custom: [1, null] } })],
        ['unknown', manifestFixture('application/vnd.example.thing+json', { anything: true })],
      ] as const) {
        const answer = await put(repository, tag, manifest)
        expect([tag, answer.status]).toEqual([tag, 201])
        expect((await get(repository, tag)).headers['content-type']).toBe(manifest.mediaType)
      }
    })

    test('a manifest may be as large as the limit and no larger', async () => {
      const { repository, config } = await withEmptyConfig()
      const padded = (size: number) => {
        const make = (pad: string) => manifestFixture(OCI_IMAGE, { config, layers: [], annotations: { pad } })
        return make('x'.repeat(size - make('').bytes.byteLength))
      }
      const largest = padded(MANIFEST_LIMIT)
      expect((await put(repository, 'large', largest)).status).toBe(201)
      expect((await get(repository, 'large')).body.equals(largest.bytes)).toBe(true)
      const answer = await put(repository, 'larger', padded(MANIFEST_LIMIT + 1))
      expect([answer.status, answer.errorCode()]).toEqual([413, 'SIZE_INVALID'])
      expect((await get(repository, 'larger')).status).toBe(404)
    })

    test.each([
      ['text that is not JSON', OCI_IMAGE, 'nonsense'],
      ['a list', OCI_IMAGE, '[]'],
      ['schema 1', 'application/vnd.docker.distribution.manifest.v1+prettyjws', '{"schemaVersion":1}'],
      ['another mediaType than the Content-Type', OCI_IMAGE, `{"schemaVersion":2,"mediaType":"${DOCKER_IMAGE}"}`],
      ['no config', OCI_IMAGE, '{"schemaVersion":2,"layers":[]}'],
      ['nothing', OCI_IMAGE, ''],
    ])('%s is refused', async (_what, contentType, body) => {
      const headers = { 'content-type': contentType }
      const answer = await send('PUT', `/v2/${freshName()}/manifests/t`, { body, headers })
      expect([answer.status, answer.errorCode()]).toEqual([400, 'MANIFEST_INVALID'])
    })

    test('a reference that is malformed or not the digest of the bytes is refused', async () => {
      const repository = freshName()
      const image = imageFixture(random)
      await pushImage(client(), repository, image)
      for (const [reference, code] of [
        [digestOf(Buffer.from('other')), 'DIGEST_INVALID'],
        ['sha256:baddigeststring', 'DIGEST_INVALID'],
        ['.bad', 'TAG_INVALID'],
        ['t'.repeat(129), 'TAG_INVALID'],
        [`${image.manifest.digest}?tag=.bad`, 'TAG_INVALID'],
      ] as const) {
        const answer = await put(repository, reference, image.manifest)
        expect([reference, answer.status, answer.errorCode()]).toEqual([reference, 400, code])
      }
    })

    describe('deletes', () => {
      const remove = async (path: string) => (await send('DELETE', path)).status

      test('of a tag remove nothing else', async () => {
        const repository = freshName()
        const image = imageFixture(random)
        await pushImage(client(), repository, image, ['a', 'b'])
        expect(await remove(`/v2/${repository}/manifests/a`)).toBe(202)
        expect((await get(repository, 'a')).status).toBe(404)
        expect((await get(repository, 'b')).status).toBe(200)
        expect((await get(repository, image.manifest.digest)).status).toBe(200)
        expect(await tagsOf(repository)).toEqual(['b'])
        expect(await remove(`/v2/${repository}/manifests/a`)).toBe(404)
      })

      test('of a manifest remove its tags too', async () => {
        const repository = freshName()
        const [gone, kept] = [imageFixture(random), imageFixture(random)]
        await pushImage(client(), repository, gone, ['a', 'b'])
        await pushImage(client(), repository, kept, ['c'])
        expect(await remove(`/v2/${repository}/manifests/${gone.manifest.digest}`)).toBe(202)
        for (const reference of ['a', 'b', gone.manifest.digest]) {
          expect((await reader().send('HEAD', `/v2/${repository}/manifests/${reference}`)).status).toBe(404)
        }
        expect(await tagsOf(repository)).toEqual(['c'])
        expect(await remove(`/v2/${repository}/manifests/${gone.manifest.digest}`)).toBe(404)
      })

      test('of a blob remove it from its repository, not from others', async () => {
        const [one, two] = [freshName(), freshName()]
        const { digest, bytes } = blobFixture(random.bytes(100))
        for (const repository of [one, two]) await client().pushBlob(repository, digest, bytes)
        expect(await remove(`/v2/${one}/blobs/${digest}`)).toBe(202)
        expect((await reader().send('HEAD', `/v2/${one}/blobs/${digest}`)).status).toBe(404)
        expect((await reader().send('GET', `/v2/${two}/blobs/${digest}`)).body.equals(bytes)).toBe(true)
        expect(await remove(`/v2/${one}/blobs/${digest}`)).toBe(404)
      })

      test('of a malformed digest or tag are 400', async () => {
        expect(await remove(`/v2/suite/x/blobs/sha256:x`)).toBe(400)
        expect(await remove(`/v2/suite/x/manifests/sha256:x`)).toBe(400)
        expect(await remove(`/v2/suite/x/manifests/.x`)).toBe(400)
      })
    })

    test('a repository may have components that look like endpoints', async () => {
      const image = imageFixture(random, [10])
      for (const repository of ['suite/blobs/uploads/manifests', 'suite/tags/list', 'blobs/uploads', 'manifests']) {
        await pushImage(client(), repository, image, ['t'])
        expect((await get(repository, 't')).body.equals(image.manifest.bytes)).toBe(true)
        expect(await tagsOf(repository)).toEqual(['t'])
      }
    })
  })
}
