import { z } from 'zod'
import { descriptorSchema, list, opaque, parseBody, text } from '../api/index.ts'
import { appError, parseJson } from '../base/index.ts'
import type { Descriptor } from '../core/index.ts'

/** Of one manifest. */
const MAX_PARTS = 4096

const partSchema = descriptorSchema.extend({ urls: opaque().optional() })
const childSchema = descriptorSchema.extend({
  platform: z.object({ os: text(64).nullish(), architecture: text(64).nullish() }).nullish(),
})
const manifestSchema = z.object({
  config: partSchema.nullish(),
  layers: list(partSchema, MAX_PARTS).nullish(),
  manifests: list(childSchema, MAX_PARTS).nullish(),
})

/** For which machines an image is. */
export interface Platform {
  readonly os: string
  readonly architecture: string
}

export interface ChildManifest extends Descriptor {
  /** Undefined when the index does not say. */
  readonly platform: Platform | undefined
}

/** What an image manifest or an index names. */
export interface ImageParts {
  readonly blobs: readonly Descriptor[]
  readonly manifests: readonly ChildManifest[]
}

const manifestType = /^application\/vnd\.(?:docker\.distribution\.manifest\.|oci\.image\.(?:manifest|index)\.)/
/** Layers that clients fetch from elsewhere. */
const foreignType = /\.(?:foreign\.diff|nondistributable)\./

/**
 * What the manifest names, whatever its own media type is said to be. Build caches list blobs as if they were manifests.
 * @throws MANIFEST_INVALID
 */
export function imageParts(bytes: Uint8Array): ImageParts {
  const { config, layers, manifests } = parsed(bytes)
  const own = [...(config ? [config] : []), ...(layers ?? [])].filter((part) => !isForeign(part))
  const children = (manifests ?? []).map(({ platform, ...descriptor }) => ({
    ...descriptor,
    platform:
      platform?.os && platform.architecture ? { os: platform.os, architecture: platform.architecture } : undefined,
  }))
  return {
    blobs: [...own, ...children.filter(({ mediaType }) => !manifestType.test(mediaType))],
    manifests: children.filter(({ mediaType }) => manifestType.test(mediaType)),
  }
}

function parsed(bytes: Uint8Array) {
  try {
    return parseBody(manifestSchema, parseJson(new TextDecoder('utf-8', { fatal: true }).decode(bytes)))
  } catch (err) {
    throw appError('MANIFEST_INVALID', { message: 'the manifest of the image cannot be read', cause: err })
  }
}

const isForeign = ({ mediaType, urls }: z.output<typeof partSchema>) =>
  foreignType.test(mediaType) && Array.isArray(urls) && urls.length > 0
