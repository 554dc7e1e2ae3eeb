import type { Random } from '../../lib/base/index.ts'
import { type Digest, digestOf } from '../../lib/core/index.ts'

export const OCI_MANIFEST = 'application/vnd.oci.image.manifest.v1+json'
const OCI_INDEX = 'application/vnd.oci.image.index.v1+json'
const LAYER = 'application/vnd.oci.image.layer.v1.tar'

export interface SentManifest {
  readonly digest: Digest
  readonly mediaType: string
  readonly bytes: Buffer
}

/** An image of one client: nobody else pushes or deletes it, but its layers are everybody's. */
export interface SharedImage {
  readonly name: string
  /** Of the last manifest. */
  readonly tag: string | undefined
  readonly blobs: ReadonlyMap<Digest, Buffer>
  /** In the order in which they are pushed: a manifest comes after those that it names. */
  readonly manifests: readonly SentManifest[]
}

export interface ImagesInit {
  readonly clients: number
  /** Of each client. */
  readonly images: number
  /** Of all clients: few, so that each is pushed, let go and pushed again all the time. */
  readonly layers: number
  readonly repositories: readonly string[]
}

/** Images, lists of two, and images with something attached, made of the same few layers. */
export function sharedImages(random: Random, init: ImagesInit): readonly (readonly SharedImage[])[] {
  const layers = Array.from({ length: init.layers }, (_, i) => Buffer.from(random.bytes(40 + i * 50)))
  const any = <T>(list: readonly T[]): T => list[Math.floor(random.next() * list.length)] as T
  const descriptor = (bytes: Buffer, mediaType: string) => ({ mediaType, digest: digestOf(bytes), size: bytes.length })
  const made = (value: object, mediaType: string): SentManifest => {
    const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, ...value }))
    return { bytes, mediaType, digest: digestOf(bytes) }
  }

  const oneImage = (client: number, number: number): SharedImage => {
    const blobs = new Map<Digest, Buffer>()
    const image = (more: object = {}) => {
      const config = Buffer.from(JSON.stringify({ os: 'linux', of: `${client}-${number}-${blobs.size}` }))
      const own = [...new Set([any(layers), any(layers), any(layers)])]
      for (const bytes of [config, ...own]) blobs.set(digestOf(bytes), bytes)
      const parts = { config: descriptor(config, 'application/vnd.oci.image.config.v1+json') }
      return made({ ...parts, layers: own.map((bytes) => descriptor(bytes, LAYER)), ...more }, OCI_MANIFEST)
    }
    const first = image()
    const kind = number % 3
    const manifests = [first]
    if (kind === 1) {
      const second = image()
      const children = [first, second].map(({ bytes }) => descriptor(bytes, OCI_MANIFEST))
      manifests.push(second, made({ manifests: children }, OCI_INDEX))
    }
    if (kind === 2) {
      const attached = { artifactType: 'application/vnd.test.note', subject: descriptor(first.bytes, OCI_MANIFEST) }
      manifests.push(image(attached))
    }
    const tag = random.next() < 0.7 ? `c${client}-${number}` : undefined
    return { name: any(init.repositories), tag, blobs, manifests }
  }
  return Array.from({ length: init.clients }, (_, client) =>
    Array.from({ length: init.images }, (_each, number) => oneImage(client, number)),
  )
}
