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

/** The fields that are checked; all others pass unchanged. */
export interface Fields {
  readonly schemaVersion?: unknown
  readonly mediaType?: unknown
  readonly config?: unknown
  readonly layers?: unknown
  readonly manifests?: unknown
  readonly subject?: unknown
  readonly artifactType?: unknown
  readonly annotations?: unknown
}

/** Layers that clients fetch from elsewhere, because they must not be redistributed. */
const foreignLayers = new Set([
  'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip',
  'application/vnd.oci.image.layer.nondistributable.v1.tar',
  'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip',
  'application/vnd.oci.image.layer.nondistributable.v1.tar+zstd',
])
export const imageTypes = new Set<string>([manifestMediaTypes.ociImage, manifestMediaTypes.dockerImage])
export const indexTypes = new Set<string>([manifestMediaTypes.ociIndex, manifestMediaTypes.dockerList])
/** The machine that an image is for. */
export interface Platform {
  readonly os: string
  readonly architecture: string
  /** Of an architecture with several, as `v8`. */
  readonly variant?: string
}

export interface ManifestDescriptor extends Descriptor {
  readonly urls: boolean
  /** Undefined when it does not say. */
  readonly platform: Platform | undefined
}

export function isForeign(layer: ManifestDescriptor): boolean {
  return layer.urls && foreignLayers.has(layer.mediaType)
}

export function descriptorList(value: unknown, where: string): readonly ManifestDescriptor[] {
  if (value === null) return []
  if (!Array.isArray(value)) throw invalid(`"${where}" must be a list`)
  if (value.length > MAX_DESCRIPTORS) throw invalid(`"${where}" has more than ${MAX_DESCRIPTORS} entries`)
  return value.map((entry: unknown, i) => readDescriptor(entry, `${where}[${i}]`))
}

export function readDescriptor(value: unknown, where: string): ManifestDescriptor {
  if (!isObject(value)) throw invalid(`"${where}" must be a descriptor`)
  const { digest, mediaType, size, urls, platform } = value as Readonly<Record<string, unknown>>
  if (typeof mediaType !== 'string') throw invalid(`"${where}" has no mediaType`)
  if (!Number.isSafeInteger(size) || Number(size) < 0) throw invalid(`"${where}" has no valid size`)
  if (typeof digest !== 'string') throw invalid(`"${where}" has no digest`)
  const hasUrls = Array.isArray(urls) && urls.length > 0
  return {
    digest: digestIn(digest, where),
    mediaType,
    size: Number(size),
    urls: hasUrls,
    platform: platformIn(platform),
  }
}

function platformIn(value: unknown): Platform | undefined {
  const { os, architecture, variant } = (isObject(value) ? value : {}) as Readonly<Record<string, unknown>>
  const isNamed = (text: unknown): text is string => typeof text === 'string' && text !== ''
  if (!isNamed(os) || !isNamed(architecture)) return undefined
  return { os, architecture, ...(isNamed(variant) && { variant }) }
}

function digestIn(text: string, where: string): Digest {
  try {
    return parseDigest(text)
  } catch (err) {
    throw appError('MANIFEST_INVALID', { message: `the digest of "${where}" is malformed`, cause: err })
  }
}

export function parseObject(bytes: Uint8Array): Fields {
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
export function isPresent(value: unknown): boolean {
  return value !== undefined && value !== null
}

export function invalid(message: string): AppError {
  return appError('MANIFEST_INVALID', { message })
}
