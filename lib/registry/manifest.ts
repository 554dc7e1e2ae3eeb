import { type AppError, appError, parseJson } from '../base/index.ts'
import { type Descriptor, type Digest, parseDigest } from '../core/index.ts'

/** Media types of manifests and indexes that are checked; any other JSON object is stored unchanged. */
export const manifestMediaTypes = {
  ociImage: 'application/vnd.oci.image.manifest.v1+json',
  ociIndex: 'application/vnd.oci.image.index.v1+json',
  dockerImage: 'application/vnd.docker.distribution.manifest.v2+json',
  dockerList: 'application/vnd.docker.distribution.manifest.list.v2+json',
} as const

/** Most descriptors in one manifest; each one costs a look-up during the push. */
export const MAX_DESCRIPTORS = 4096

/** What the registry must know about a manifest; each list has a digest once. */
export interface CheckedManifest {
  /** The Content-Type of the stored manifest and of later answers. */
  readonly mediaType: string
  /** Blobs that the repository must already have. */
  readonly blobs: readonly Descriptor[]
  /** Manifests that the repository must already have. */
  readonly manifests: readonly Descriptor[]
  /** What else an index names: the repository need not have it, and it may be a blob or a manifest. */
  readonly others: readonly Descriptor[]
}

/** The fields that are checked; all others pass unchanged. */
interface Fields {
  readonly schemaVersion?: unknown
  readonly mediaType?: unknown
  readonly config?: unknown
  readonly layers?: unknown
  readonly manifests?: unknown
  readonly subject?: unknown
}

/** Layers that clients fetch from elsewhere, because they must not be redistributed. */
const foreignLayers = new Set([
  'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip',
  'application/vnd.oci.image.layer.nondistributable.v1.tar',
  'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip',
  'application/vnd.oci.image.layer.nondistributable.v1.tar+zstd',
])
const imageTypes = new Set<string>([manifestMediaTypes.ociImage, manifestMediaTypes.dockerImage])
const indexTypes = new Set<string>([manifestMediaTypes.ociIndex, manifestMediaTypes.dockerList])
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
  if (!image && !index) return { mediaType, blobs: [], manifests: [], others: [] }
  if (manifest.schemaVersion !== 2) throw invalid('schemaVersion must be 2')
  if (isPresent(manifest.subject)) readDescriptor(manifest.subject, 'subject')
  return image ? checkImage(manifest, mediaType) : checkIndex(manifest, mediaType)
}

function checkImage(manifest: Fields, mediaType: string): CheckedManifest {
  if (isPresent(manifest.manifests)) throw invalid('an image manifest must not have "manifests"')
  const config = readDescriptor(manifest.config, 'config')
  const layers = descriptorList(manifest.layers, 'layers').filter((layer) => !isForeign(layer))
  return { mediaType, blobs: eachOnce([config, ...layers]), manifests: [], others: [] }
}

/** Children of other types are not required: build caches list plain blobs there, and future types may be anything. */
function checkIndex(manifest: Fields, mediaType: string): CheckedManifest {
  if (isPresent(manifest.config) || isPresent(manifest.layers)) {
    throw invalid('an index must not have "config" or "layers"')
  }
  const children = descriptorList(manifest.manifests, 'manifests')
  const isManifest = (child: Descriptor) => imageTypes.has(child.mediaType) || indexTypes.has(child.mediaType)
  return {
    mediaType,
    blobs: [],
    manifests: eachOnce(children.filter(isManifest)),
    others: eachOnce(children.filter((child) => !isManifest(child))),
  }
}

interface ManifestDescriptor extends Descriptor {
  readonly urls: boolean
}

/** Of descriptors with the same digest, the first. */
function eachOnce(descriptors: readonly ManifestDescriptor[]): readonly Descriptor[] {
  const first = new Map<Digest, Descriptor>()
  for (const { digest, mediaType, size } of descriptors) {
    if (!first.has(digest)) first.set(digest, { digest, mediaType, size })
  }
  return [...first.values()]
}

function isForeign(layer: ManifestDescriptor): boolean {
  return layer.urls && foreignLayers.has(layer.mediaType)
}

function descriptorList(value: unknown, where: string): readonly ManifestDescriptor[] {
  if (value === null) return []
  if (!Array.isArray(value)) throw invalid(`"${where}" must be a list`)
  if (value.length > MAX_DESCRIPTORS) throw invalid(`"${where}" has more than ${MAX_DESCRIPTORS} entries`)
  return value.map((entry: unknown, i) => readDescriptor(entry, `${where}[${i}]`))
}

function readDescriptor(value: unknown, where: string): ManifestDescriptor {
  if (!isObject(value)) throw invalid(`"${where}" must be a descriptor`)
  const { digest, mediaType, size, urls } = value as Readonly<Record<string, unknown>>
  if (typeof mediaType !== 'string') throw invalid(`"${where}" has no mediaType`)
  if (!Number.isSafeInteger(size) || Number(size) < 0) throw invalid(`"${where}" has no valid size`)
  if (typeof digest !== 'string') throw invalid(`"${where}" has no digest`)
  const hasUrls = Array.isArray(urls) && urls.length > 0
  return { digest: digestIn(digest, where), mediaType, size: Number(size), urls: hasUrls }
}

function digestIn(text: string, where: string): Digest {
  try {
    return parseDigest(text)
  } catch (err) {
    throw appError('MANIFEST_INVALID', { message: `the digest of "${where}" is malformed`, cause: err })
  }
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

function parseObject(bytes: Uint8Array): Fields {
  let value: unknown
  try {
    value = parseJson(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes))
  } catch (err) {
    throw appError('MANIFEST_INVALID', { message: 'the manifest is not JSON in UTF-8', cause: err })
  }
  if (!isObject(value)) throw invalid('the manifest must be a JSON object')
  return value
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Go writes an empty slice as null, so null counts as absent. */
function isPresent(value: unknown): boolean {
  return value !== undefined && value !== null
}

function invalid(message: string): AppError {
  return appError('MANIFEST_INVALID', { message })
}
