import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { codeOf } from '../../../lib/base/index.ts'
import { type Descriptor, digestOf } from '../../../lib/core/index.ts'
import { checkManifest } from '../../../lib/registry/manifest.ts'
import { MAX_DESCRIPTORS, manifestMediaTypes } from '../../../lib/registry/manifest-fields.ts'

const { ociImage, ociIndex, dockerImage, dockerList } = manifestMediaTypes
const [a, b] = [digestOf(Buffer.from('a')), digestOf(Buffer.from('b'), 'sha512')]
const descriptor = (digest: string = a, mediaType = 'application/octet-stream') => ({ mediaType, digest, size: 1 })
/** What is checked, by digest. */
const check = (value: unknown, contentType?: string) => {
  const { mediaType, ...lists } = checkManifest(Buffer.from(JSON.stringify(value)), contentType)
  const digests = (list: readonly Descriptor[]) => list.map(({ digest }) => digest)
  return {
    mediaType,
    blobs: digests(lists.blobs),
    manifests: digests(lists.manifests),
    others: digests(lists.others),
  }
}
const image = { schemaVersion: 2, config: descriptor(a), layers: [descriptor(b), descriptor(b)] }
const index = { schemaVersion: 2, manifests: [descriptor(a, ociImage), descriptor(b, dockerList)] }

describe('checkManifest', () => {
  test.each([ociImage, dockerImage])('%s needs its config and layers, each once', (type) => {
    expect(check({ ...image, mediaType: type }, type)).toEqual({
      mediaType: type,
      blobs: [a, b],
      manifests: [],
      others: [],
    })
  })

  test.each([ociIndex, dockerList])('%s needs its manifests, not entries of other types', (type) => {
    const other = digestOf(Buffer.from('c'))
    const manifests = [...index.manifests, descriptor(other, 'application/x-layer')]
    const expected = { mediaType: type, blobs: [], manifests: [a, b], others: [other] }
    expect(check({ ...index, manifests }, type)).toEqual(expected)
  })

  test('the type may stand in the header alone, in the manifest alone, or in both', () => {
    expect(check(image, ociImage).mediaType).toBe(ociImage)
    expect(check({ ...image, mediaType: ociImage }).mediaType).toBe(ociImage)
    expect(check({ ...image, mediaType: ociImage }, `${ociImage}; charset=utf-8`).mediaType).toBe(ociImage)
  })

  test('null is as good as absent, as Go writes it', () => {
    expect(check({ ...image, layers: null, subject: null, manifests: null }, ociImage).blobs).toEqual([a])
    expect(check({ ...index, manifests: null, layers: null }, ociIndex).manifests).toEqual([])
  })

  test('foreign layers with urls are not needed', () => {
    const foreign = descriptor(b, 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip')
    const withUrls = { ...foreign, urls: ['https://example.test/x'] }
    expect(check({ ...image, layers: [withUrls] }, dockerImage).blobs).toEqual([a])
    expect(check({ ...image, layers: [foreign] }, dockerImage).blobs).toEqual([a, b])
    expect(check({ ...image, layers: [{ ...foreign, urls: [] }] }, dockerImage).blobs).toEqual([a, b])
    expect(check({ ...image, layers: [{ ...descriptor(b), urls: ['x'] }] }, dockerImage).blobs).toEqual([a, b])
  })

  test('what is named tells its type and size, as it stands there', () => {
    const { blobs } = checkManifest(Buffer.from(JSON.stringify(image)), ociImage)
    expect(blobs).toEqual([descriptor(a), descriptor(b)])
  })

  test('any other JSON object passes as it is', () => {
    const type = 'application/vnd.example+json'
    expect(check({ anything: 1 }, type)).toEqual({ mediaType: type, blobs: [], manifests: [], others: [] })
  })

  test.each<[string, unknown, string | undefined]>([
    ['a type that differs from the header', { ...image, mediaType: dockerImage }, ociImage],
    ['no type at all', image, undefined],
    ['a type that is no media type', image, 'x'],
    ['a type with a line break', image, 'application/x\r\nset-cookie: a'],
    ['a type that is no text', { ...image, mediaType: 5 }, ociImage],
    ['schema 1', { schemaVersion: 1 }, 'application/vnd.docker.distribution.manifest.v1+json'],
    ['another schema version', { ...image, schemaVersion: 1 }, ociImage],
    ['an image with manifests', { ...image, manifests: [] }, ociImage],
    ['an index with layers', { ...index, layers: [] }, ociIndex],
    ['an index with a config', { ...index, config: descriptor() }, ociIndex],
    ['layers that are no list', { ...image, layers: {} }, ociImage],
    ['no layers', { schemaVersion: 2, config: descriptor() }, ociImage],
    ['no config', { schemaVersion: 2, layers: [] }, ociImage],
    ['an index without manifests', { schemaVersion: 2 }, ociIndex],
    ['a layer that is null', { ...image, layers: [null] }, ociImage],
    ['a layer without digest', { ...image, layers: [{ mediaType: 'x', size: 1 }] }, ociImage],
    ['a malformed digest', { ...image, layers: [descriptor('sha256:x')] }, ociImage],
    ['a digest that climbs', { ...image, layers: [descriptor('sha256:../../x')] }, ociImage],
    ['a negative size', { ...image, config: { ...descriptor(), size: -1 } }, ociImage],
    ['a size that is no whole number', { ...image, config: { ...descriptor(), size: 1.5 } }, ociImage],
    ['a size beyond all numbers', { ...image, config: { ...descriptor(), size: 1e300 } }, ociImage],
    ['a layer without type', { ...image, layers: [{ digest: a, size: 1 }] }, ociImage],
    ['a malformed subject', { ...image, subject: 'x' }, ociImage],
    ['too many layers', { ...image, layers: Array(MAX_DESCRIPTORS + 1).fill(descriptor()) }, ociImage],
    ['a list', [], ociImage],
    ['null', null, ociImage],
    ['a number', 5, ociImage],
  ])('%s is refused', (_what, value, contentType) => {
    expect(() => check(value, contentType)).toThrow(expect.objectContaining({ code: 'MANIFEST_INVALID' }))
  })

  test.each([
    ['nothing', Buffer.alloc(0)],
    ['half a manifest', Buffer.from('{"schemaVersion":2')],
    ['bytes that are not UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])],
    ['a byte order mark', Buffer.from(`\uFEFF${JSON.stringify(image)}`)],
    ['a hundred thousand brackets', Buffer.from('['.repeat(100_000))],
  ])('%s is refused', (_what, bytes) => {
    expect(() => checkManifest(bytes, ociImage)).toThrow(expect.objectContaining({ code: 'MANIFEST_INVALID' }))
  })

  test('whatever JSON comes, it is checked or MANIFEST_INVALID', () => {
    const type = fc.constantFrom(ociImage, ociIndex, dockerImage, dockerList)
    const field = fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.constant(descriptor()), fc.constant([descriptor()]))
    const manifest = fc.record(
      { schemaVersion: fc.constantFrom(1, 2), config: field, layers: field, manifests: field, subject: field },
      { requiredKeys: [] },
    )
    fc.assert(
      fc.property(manifest, type, (value, contentType) => {
        try {
          expect(check(value, contentType).mediaType).toBe(contentType)
        } catch (err) {
          expect(codeOf(err)).toBe('MANIFEST_INVALID')
        }
      }),
      { seed: 11, numRuns: 300 },
    )
  })
})
