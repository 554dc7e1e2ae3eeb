import type { Random } from '../../lib/base/index.ts'
import { type Digest, digestOf } from '../../lib/core/index.ts'

export interface FixtureBlob {
  readonly digest: Digest
  readonly bytes: Uint8Array
}

export interface FixtureManifest extends FixtureBlob {
  readonly mediaType: string
}

/** An OCI image: a config, layers of random bytes, and the manifest that names them. */
export interface FixtureImage {
  readonly config: FixtureBlob
  readonly layers: readonly FixtureBlob[]
  readonly manifest: FixtureManifest
}

const OCI_IMAGE = 'application/vnd.oci.image.manifest.v1+json'
const OCI_INDEX = 'application/vnd.oci.image.index.v1+json'

export function blobFixture(bytes: Uint8Array | string): FixtureBlob {
  const content = Buffer.from(bytes)
  return { digest: digestOf(content), bytes: content }
}

/** A manifest of any media type. */
export function manifestFixture(mediaType: string, fields: object): FixtureManifest {
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, ...fields }, null, 2))
  return { digest: digestOf(bytes), bytes, mediaType }
}

export function descriptorOf({ digest, bytes }: FixtureBlob, mediaType: string) {
  return { mediaType, digest, size: bytes.byteLength }
}

/** An image with one layer for each size. */
export function imageFixture(random: Random, layerSizes: readonly number[] = [1000, 3000]): FixtureImage {
  const layers = layerSizes.map((size) => blobFixture(random.bytes(size)))
  const layerType = 'application/vnd.oci.image.layer.v1.tar+gzip'
  const rootfs = { type: 'layers', diff_ids: layers.map(({ digest }) => digest) }
  const nonce = Buffer.from(random.bytes(8)).toString('hex')
  const config = blobFixture(JSON.stringify({ architecture: 'amd64', os: 'linux', rootfs, author: nonce }))
  const manifest = manifestFixture(OCI_IMAGE, {
    config: descriptorOf(config, 'application/vnd.oci.image.config.v1+json'),
    layers: layers.map((layer) => descriptorOf(layer, layerType)),
  })
  return { config, layers, manifest }
}

/** An index of the images, each for another made-up platform. */
export function indexFixture(images: readonly FixtureImage[]): FixtureManifest {
  return manifestFixture(OCI_INDEX, {
    manifests: images.map(({ manifest }, i) => ({
      ...descriptorOf(manifest, manifest.mediaType),
      platform: { os: 'linux', architecture: `arch${i}` },
    })),
  })
}
