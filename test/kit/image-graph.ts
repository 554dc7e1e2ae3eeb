import { type Descriptor, type Digest, digestOf } from '../../lib/core/index.ts'
import { manifestMediaTypes } from '../../lib/registry/index.ts'
import type { StoredManifest } from '../../services/build-index/replication/dependencies.ts'

/** Manifests of a repository, built from the children up. */
export interface ImageGraph {
  readonly stored: Map<Digest, StoredManifest>
  /** Digests in the order in which they were read. */
  readonly reads: Digest[]
  readonly readManifest: (descriptor: Descriptor) => Promise<StoredManifest>
  /** A blob that nobody has to have. */
  blob(text: string, mediaType?: string): Descriptor
  image(layers: readonly object[], mediaType?: string): Descriptor
  index(children: readonly Descriptor[], mediaType?: string): Descriptor
  put(mediaType: string, bytes: Uint8Array): Descriptor
}

export function imageGraph(): ImageGraph {
  const stored = new Map<Digest, StoredManifest>()
  const reads: Digest[] = []
  const put = (mediaType: string, bytes: Uint8Array): Descriptor => {
    const digest = digestOf(bytes)
    stored.set(digest, { mediaType, bytes })
    return { digest, mediaType, size: bytes.byteLength }
  }
  const putJson = (mediaType: string, fields: object) =>
    put(mediaType, Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, ...fields })))
  const blob = (text: string, mediaType = 'application/vnd.oci.image.layer.v1.tar') => ({
    ...{ digest: digestOf(Buffer.from(text)), mediaType, size: Buffer.byteLength(text) },
  })
  return {
    ...{ stored, reads, blob, put },
    async readManifest({ digest }) {
      reads.push(digest)
      const found = stored.get(digest)
      if (found === undefined) throw Object.assign(new Error('not here'), { code: 'MANIFEST_UNKNOWN' })
      return found
    },
    image: (layers, mediaType = manifestMediaTypes.ociImage) =>
      putJson(mediaType, { config: blob('config', 'application/vnd.oci.image.config.v1+json'), layers }),
    index: (manifests, mediaType = manifestMediaTypes.ociIndex) => putJson(mediaType, { manifests }),
  }
}
