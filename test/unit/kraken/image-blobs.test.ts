import { describe, expect, test } from '@jest/globals'
import { seededRandom } from '../../../lib/base/index.ts'
import type { Descriptor, Digest } from '../../../lib/core/index.ts'
import { imageBlobs } from '../../../lib/kraken/index.ts'
import {
  blobFixture,
  descriptorOf,
  type FixtureManifest,
  imageFixture,
  indexFixture,
  manifestFixture,
} from '../../kit/image-fixture.ts'

const OCI_IMAGE = 'application/vnd.oci.image.manifest.v1+json'
const OCI_INDEX = 'application/vnd.oci.image.index.v1+json'
const random = seededRandom(3)
const blobsOf = ({ config, layers }: ReturnType<typeof imageFixture>) => [config, ...layers].map(({ digest }) => digest)

/** Walks from the last manifest, with these to read. */
function walk(manifests: readonly FixtureManifest[], platform?: { os: string; architecture: string }) {
  const byDigest = new Map<Digest, FixtureManifest>(manifests.map((each) => [each.digest, each]))
  const root = manifests.at(-1)!
  const read = async ({ digest }: Pick<Descriptor, 'digest'>) => byDigest.get(digest)!.bytes
  return imageBlobs({ read, platform }, { digest: root.digest })
}

describe('the blobs of an image', () => {
  const [first, second] = [imageFixture(random), imageFixture(random)]
  const index = indexFixture([first, second])
  const all = [first.manifest, second.manifest, index]

  test('are its config and its layers, each once', async () => {
    const layer = descriptorOf(first.layers[0]!, 'application/vnd.oci.image.layer.v1.tar')
    const config = descriptorOf(first.config, 'application/vnd.oci.image.config.v1+json')
    const manifest = manifestFixture(OCI_IMAGE, { config, layers: [layer, layer] })
    expect(await walk([manifest])).toEqual([first.config.digest, first.layers[0]!.digest])
  })

  test('are those of every machine, or of one', async () => {
    expect(await walk(all)).toEqual([...blobsOf(first), ...blobsOf(second)])
    expect(await walk(all, { os: 'linux', architecture: 'arch1' })).toEqual(blobsOf(second))
    const failure = { code: 'MANIFEST_UNKNOWN', message: expect.stringContaining('linux/arch2') }
    await expect(walk(all, { os: 'linux', architecture: 'arch2' })).rejects.toMatchObject(failure)
  })

  test('of an index that says nothing of machines are those of all', async () => {
    const bare = manifestFixture(OCI_INDEX, { manifests: [descriptorOf(first.manifest, OCI_IMAGE)] })
    expect(await walk([first.manifest, bare], { os: 'linux', architecture: 'amd64' })).toEqual(blobsOf(first))
  })

  test('are found through indexes of indexes, and in a build cache', async () => {
    const cache = blobFixture('a cached layer')
    const outer = manifestFixture(OCI_INDEX, {
      manifests: [descriptorOf(cache, 'application/vnd.oci.image.layer.v1.tar'), descriptorOf(index, OCI_INDEX)],
    })
    expect(await walk([...all, outer])).toEqual([cache.digest, ...blobsOf(first), ...blobsOf(second)])
  })

  test('leave out layers that are fetched from elsewhere', async () => {
    const layer = blobFixture('foreign')
    const foreign = {
      ...descriptorOf(layer, 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip'),
      urls: ['https://elsewhere.example/layer'],
    }
    const config = descriptorOf(first.config, 'application/vnd.oci.image.config.v1+json')
    expect(await walk([manifestFixture(OCI_IMAGE, { config, layers: [foreign] })])).toEqual([first.config.digest])
  })

  test('of endless indexes are not looked for', async () => {
    let count = 0
    const read = async () => {
      count += 1
      return manifestFixture(OCI_INDEX, { manifests: [descriptorOf(blobFixture(`${count}`), OCI_INDEX)] }).bytes
    }
    await expect(imageBlobs({ read }, { digest: index.digest })).rejects.toMatchObject({ code: 'MANIFEST_INVALID' })
    expect(count).toBe(512)
  })

  test.each(['', '{', '[]', '7', '{"layers":7}', '{"config":{"digest":"x"}}', '{"layers":[{}]}', '\uFFFD'])(
    'are not read from %p',
    async (text) => {
      const read = async () => Buffer.from(text)
      await expect(imageBlobs({ read }, { digest: index.digest })).rejects.toMatchObject({ code: 'MANIFEST_INVALID' })
    },
  )
})
