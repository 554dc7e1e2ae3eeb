import type { Descriptor, Digest } from '../core/index.ts'
import {
  descriptorList,
  type Fields,
  imageTypes,
  indexTypes,
  invalid,
  isForeign,
  isPresent,
  type ManifestDescriptor,
  parseObject,
  readDescriptor,
} from './manifest-fields.ts'
import { type ManifestSubject, manifestSubject } from './manifest-subject.ts'

/** What the registry must know about a manifest; each list has a digest once. */
export interface CheckedManifest {
  /** The Content-Type of the stored manifest and of later answers. */
  readonly mediaType: string
  /** Blobs that the repository must already have. */
  readonly blobs: readonly Descriptor[]
  /** Manifests that the repository must already have. */
  readonly manifests: readonly Descriptor[]
  /** What it says of another manifest, when it has one as its subject. */
  readonly about: ManifestSubject | undefined
  /** What else an index names: the repository need not have it, and it may be a blob or a manifest. */
  readonly others: readonly Descriptor[]
}

const schema1Types = new Set([
  'application/vnd.docker.distribution.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v1+prettyjws',
])
/** A manifest is served as what it was pushed as: none may be `text/html` or another type that a browser shows as a page. */
const mediaTypeShape = /^application\/[a-zA-Z0-9][a-zA-Z0-9!#$&^_.+-]{0,126}$/

/**
 * Checks a pushed manifest without access to a storage.
 * @param contentType the header as sent; without it the manifest's own `mediaType` counts
 * @throws MANIFEST_INVALID with the reason
 */
export function checkManifest(bytes: Uint8Array, contentType: string | undefined): CheckedManifest {
  const manifest = parseObject(bytes)
  const mediaType = mediaTypeOf(manifest, contentType)
  if (schema1Types.has(mediaType)) throw invalid('schema 1 manifests are no longer accepted; push schema 2 or OCI')
  const image = imageTypes.has(mediaType)
  const index = indexTypes.has(mediaType)
  if (!image && !index) return { mediaType, about: undefined, blobs: [], manifests: [], others: [] }
  if (manifest.schemaVersion !== 2) throw invalid('schemaVersion must be 2')
  const parts = image ? checkImage(manifest) : checkIndex(manifest)
  return { mediaType, about: manifestSubject(manifest), ...parts }
}

type Parts = Pick<CheckedManifest, 'blobs' | 'manifests' | 'others'>

function checkImage(manifest: Fields): Parts {
  if (isPresent(manifest.manifests)) throw invalid('an image manifest must not have "manifests"')
  const config = readDescriptor(manifest.config, 'config')
  const layers = descriptorList(manifest.layers, 'layers').filter((layer) => !isForeign(layer))
  return { blobs: eachOnce([config, ...layers]), manifests: [], others: [] }
}

/** Children of other types are not required: build caches list plain blobs there, and future types may be anything. */
function checkIndex(manifest: Fields): Parts {
  if (isPresent(manifest.config) || isPresent(manifest.layers)) {
    throw invalid('an index must not have "config" or "layers"')
  }
  const children = descriptorList(manifest.manifests, 'manifests')
  const isManifest = (child: Descriptor) => imageTypes.has(child.mediaType) || indexTypes.has(child.mediaType)
  return {
    blobs: [],
    manifests: eachOnce(children.filter(isManifest)),
    others: eachOnce(children.filter((child) => !isManifest(child))),
  }
}

/** Of descriptors with the same digest, the first. */
function eachOnce(descriptors: readonly ManifestDescriptor[]): readonly Descriptor[] {
  const first = new Map<Digest, Descriptor>()
  for (const { digest, mediaType, size } of descriptors) {
    if (!first.has(digest)) first.set(digest, { digest, mediaType, size })
  }
  return [...first.values()]
}

function mediaTypeOf(manifest: Fields, contentType: string | undefined): string {
  const inside = manifest.mediaType
  if (inside !== undefined && typeof inside !== 'string') throw invalid('mediaType must be text')
  const outside = contentType?.split(';', 1)[0]?.trim()
  if (outside !== undefined && inside !== undefined && outside !== inside) {
    throw invalid('mediaType differs from the Content-Type of the request')
  }
  const mediaType = outside ?? inside
  if (mediaType === undefined || !mediaTypeShape.test(mediaType)) {
    throw invalid('the Content-Type of a manifest must be its media type, which is application/...')
  }
  return mediaType
}
