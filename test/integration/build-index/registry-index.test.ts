import { describe, expect, test } from '@jest/globals'
import { seededRandom } from '../../../lib/base/index.ts'
import { type Descriptor, digestOf, parseRepository, parseTag } from '../../../lib/core/index.ts'
import { registryIndex } from '../../../services/build-index/registry-index.ts'
import { pushImage } from '../../contract/registry/running-registry.ts'
import { answer, corrupt, errorJson, reset } from '../../kit/http-faults.ts'
import { imageFixture } from '../../kit/image-fixture.ts'
import { buildResource } from '../../kit/resource-stack.ts'
import { type RegistryLab, registryLab } from '../backend/registry-lab.ts'

const app = parseRepository('team/app')
const other = parseRepository('team/other')
const THERE = 'behind/team/app'
const v1 = parseTag('v1')
const image = imageFixture(seededRandom(77))
const { digest, mediaType, bytes } = image.manifest
const descriptor: Descriptor = { digest, mediaType, size: bytes.length }
const layer = image.layers[0]!
const manifestUrl = `/v2/${THERE}/manifests`

/**
 * An index over a registry with the image's blobs, and its manifest as a blob: the state after origins brought them.
 */
const pushedBlobs = () =>
  buildResource(async (stack) => {
    const lab = stack.own(await registryLab())
    const contents = [image.config, ...image.layers, { digest, bytes }]
    for (const content of contents) await lab.client.pushBlob(THERE, content.digest, content.bytes)
    return { ...lab, index: registryIndex(await lab.registry()) }
  })

/** The same with the whole image, pushed to the registry by another client. */
const pushedImage = (tags: readonly string[]) =>
  buildResource(async (stack) => {
    const lab = stack.own(await registryLab())
    await pushImage(lab.client, THERE, image, tags)
    return { ...lab, index: registryIndex(await lab.registry()) }
  })

const manifestThere = (lab: Pick<RegistryLab, 'client'>, reference: string) =>
  lab.client.send('GET', `${manifestUrl}/${reference}`)

describe('an index that a registry keeps', () => {
  test('a pushed manifest and tag are there, byte for byte and under its type', async () => {
    await using lab = await pushedBlobs()
    await lab.index.putManifest(app, descriptor)
    await lab.index.putTag(app, v1, { descriptor })
    for (const reference of [digest, 'v1']) {
      const found = await manifestThere(lab, reference)
      expect(found.body.equals(bytes)).toBe(true)
      expect(found.headers['content-type']).toBe(mediaType)
    }
    expect(await lab.index.getManifest(app, digest)).toEqual(descriptor)
    expect(await lab.index.getTag(app, v1)).toEqual(descriptor)
    expect(await lab.index.listTags(app)).toEqual({ tags: ['v1'] })
  })

  test('an image that was pushed there is one here', async () => {
    await using lab = await pushedImage(['v1'])
    expect(await lab.index.getTag(app, v1)).toEqual(descriptor)
    expect(await lab.index.getBlob(app, digest)).toEqual({ digest, size: bytes.length })
    await lab.index.putTag(app, parseTag('v2'), { descriptor })
    expect((await manifestThere(lab, 'v2')).body.equals(bytes)).toBe(true)
  })

  test('an absent tag, manifest or blob is undefined', async () => {
    await using lab = await pushedBlobs()
    expect(await lab.index.getTag(app, v1)).toBeUndefined()
    expect(await lab.index.getManifest(app, digest)).toBeUndefined()
    expect(await lab.index.getBlob(app, digestOf(Buffer.from('never')))).toBeUndefined()
    expect(await lab.index.listTags(other)).toBeUndefined()
  })

  test('an outage is an error and never an absence', async () => {
    await using lab = await pushedImage(['v1'])
    for (const fault of [reset(), answer(500)]) {
      lab.faults.clear()
      lab.faults.next({ times: Number.POSITIVE_INFINITY }, fault)
      const outage = { code: 'BACKEND_UNAVAILABLE' }
      await expect(lab.index.getTag(app, v1)).rejects.toMatchObject(outage)
      await expect(lab.index.getManifest(app, digest)).rejects.toMatchObject(outage)
      await expect(lab.index.getBlob(app, digest)).rejects.toMatchObject(outage)
      await expect(lab.index.listTags(app)).rejects.toMatchObject(outage)
      await expect(lab.index.listRepositories()).rejects.toMatchObject(outage)
    }
  })

  test('a blob is linked in the repository that has it, and in no other', async () => {
    await using lab = await pushedBlobs()
    const link = { digest: layer.digest, size: layer.bytes.length }
    await lab.index.putBlob(app, link)
    expect(await lab.index.getBlob(app, layer.digest)).toEqual(link)
    await expect(lab.index.putBlob(other, link)).rejects.toMatchObject({ code: 'BLOB_UNKNOWN' })
  })

  test('a manifest whose bytes no origin has brought cannot be linked', async () => {
    await using lab = await pushedBlobs()
    const absent = { ...descriptor, digest: digestOf(Buffer.from('absent')) }
    await expect(lab.index.putManifest(app, absent)).rejects.toMatchObject({ code: 'MANIFEST_UNKNOWN' })
    await expect(lab.index.putTag(app, v1, { descriptor: absent })).rejects.toMatchObject({ code: 'MANIFEST_UNKNOWN' })
  })

  test('wrong bytes are never put under a tag', async () => {
    await using lab = await pushedBlobs()
    lab.faults.next({ method: 'GET', path: /blobs/ }, corrupt(20))
    await expect(lab.index.putTag(app, v1, { descriptor })).rejects.toMatchObject({ code: 'BACKEND_CORRUPT' })
    expect((await manifestThere(lab, 'v1')).status).toBe(404)
  })

  test('a manifest that the registry refuses is refused for what it says', async () => {
    await using lab = await pushedBlobs()
    for (const code of ['MANIFEST_BLOB_UNKNOWN', 'MANIFEST_INVALID']) {
      lab.faults.next({ method: 'PUT' }, errorJson(400, { errors: [{ code }] }))
      await expect(lab.index.putManifest(app, descriptor)).rejects.toMatchObject({ code })
    }
  })

  test('a tag goes alone, a manifest with its tags', async () => {
    await using lab = await pushedImage(['v1', 'v2'])
    await lab.index.deleteTag(app, v1)
    expect(await lab.index.listTags(app)).toEqual({ tags: ['v2'] })
    await expect(lab.index.deleteTag(app, v1)).rejects.toMatchObject({ code: 'MANIFEST_UNKNOWN' })
    await lab.index.deleteManifest(app, digest)
    expect(await lab.index.getManifest(app, digest)).toBeUndefined()
    await expect(lab.index.deleteManifest(app, digest)).rejects.toMatchObject({ code: 'MANIFEST_UNKNOWN' })
    await lab.index.deleteBlob(app, layer.digest)
    await expect(lab.index.deleteBlob(app, layer.digest)).rejects.toMatchObject({ code: 'BLOB_UNKNOWN' })
  })

  test.each(['DIGEST_INVALID', 'TAG_INVALID', 'SOMETHING_ELSE'])(
    'a tag that a registry does not delete and calls %s is UNSUPPORTED, in one try',
    async (code) => {
      await using lab = await pushedImage(['v1'])
      const refusal = lab.faults.next({ method: 'DELETE', times: 9 }, errorJson(400, { errors: [{ code }] }))
      await expect(lab.index.deleteTag(app, v1)).rejects.toMatchObject({ code: 'UNSUPPORTED' })
      expect(refusal.met).toBe(1)
    },
  )

  test('a registry that deletes nothing is told apart from one that has nothing', async () => {
    await using lab = await pushedImage(['v1'])
    lab.faults.next({ method: 'DELETE', times: 9 }, errorJson(405, { errors: [{ code: 'UNSUPPORTED' }] }))
    await expect(lab.index.deleteTag(app, v1)).rejects.toMatchObject({ code: 'UNSUPPORTED' })
    await expect(lab.index.deleteManifest(app, digest)).rejects.toMatchObject({ code: 'UNSUPPORTED' })
    await expect(lab.index.deleteBlob(app, layer.digest)).rejects.toMatchObject({ code: 'UNSUPPORTED' })
  })
})

describe('lists of a registry', () => {
  const tags = ['b', 'A', 'c', 'a10', 'a2', 'Z']
  const sorted = tags.toSorted()

  test('come in pages, in byte order, each tag once', async () => {
    await using lab = await pushedImage(tags)
    expect(await lab.index.listTags(app)).toEqual({ tags: sorted })
    const first = await lab.index.listTags(app, { n: 4 })
    expect(first).toEqual({ tags: sorted.slice(0, 4), next: sorted[3] })
    expect(await lab.index.listTags(app, { n: 4, last: sorted[3] })).toEqual({ tags: sorted.slice(4) })
    expect(await lab.index.listTags(app, { n: 0 })).toEqual({ tags: [] })
  })

  test('are followed from page to page, in whatever order and however the registry names the next', async () => {
    await using lab = await pushedImage(['v1'])
    const page = (names: readonly string[], next?: string) =>
      errorJson(200, { name: THERE, tags: names }, next === undefined ? {} : { link: `<${next}>; rel="next"` })
    lab.faults.next({ path: /tags\/list/ }, page(['z', 'B'], `/v2/${THERE}/tags/list?token=opaque%3D`))
    lab.faults.next({ path: /token=opaque%3D/ }, page(['a', 'C']))
    expect(await lab.index.listTags(app)).toEqual({ tags: ['B', 'C', 'a', 'z'] })
  })

  test('of no tags may be null', async () => {
    await using lab = await pushedImage(['v1'])
    lab.faults.next({ path: /tags\/list/ }, errorJson(200, { name: THERE, tags: null }))
    expect(await lab.index.listTags(app)).toEqual({ tags: [] })
  })

  test('of repositories use the names that our repositories have here', async () => {
    await using lab = await pushedImage(['v1'])
    await lab.client.pushBlob('somebody/else', layer.digest, layer.bytes)
    await lab.client.pushBlob('behind/a', layer.digest, layer.bytes)
    expect(await lab.index.listRepositories()).toEqual({ repositories: ['a', 'team/app'] })
    expect(await lab.index.listRepositories({ n: 1 })).toEqual({ repositories: ['a'], next: 'a' })
  })

  test('of repositories are not supported where the registry has no catalog', async () => {
    await using lab = await pushedImage(['v1'])
    for (const status of [404, 405]) {
      lab.faults.next({ path: /_catalog/ }, answer(status))
      await expect(lab.index.listRepositories()).rejects.toMatchObject({ code: 'UNSUPPORTED' })
    }
  })
})
