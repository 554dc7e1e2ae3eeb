import type { Descriptor } from '../core/index.ts'
import {
  descriptorList,
  imageTypes,
  indexTypes,
  isForeign,
  isPresent,
  type ManifestDescriptor,
  type Platform,
  parseObject,
  readDescriptor,
} from './manifest-fields.ts'

/** A manifest that an index names. */
export interface ChildManifest extends Descriptor {
  /** Undefined when the index does not say. */
  readonly platform: Platform | undefined
}

/** What an image manifest or an index names. */
export interface ImageParts {
  /** Configs and layers, without those that clients fetch from elsewhere. */
  readonly blobs: readonly Descriptor[]
  readonly manifests: readonly ChildManifest[]
}

/**
 * What a manifest names, for who knows it by its digest alone and not by its type. Build caches list blobs as if they
 * were manifests. @throws MANIFEST_INVALID
 */
export function imageParts(bytes: Uint8Array): ImageParts {
  const { config, layers, manifests } = parseObject(bytes)
  const configs = isPresent(config) ? [readDescriptor(config, 'config')] : []
  const own = [...configs, ...descriptorList(layers ?? null, 'layers')].filter((part) => !isForeign(part))
  const children = descriptorList(manifests ?? null, 'manifests')
  const isManifest = ({ mediaType }: ManifestDescriptor) => imageTypes.has(mediaType) || indexTypes.has(mediaType)
  return {
    blobs: [...own, ...children.filter((child) => !isManifest(child))],
    manifests: children.filter(isManifest),
  }
}
