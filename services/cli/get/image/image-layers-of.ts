import { type AbortOptions, appError, type Clock, hasCode, systemRandom } from '../../../../lib/base/index.ts'
import { digestAlgorithm, digestOf } from '../../../../lib/core/index.ts'
import type { HttpClient } from '../../../../lib/http/index.ts'
import { imageLayers, imageParts, type LayerDescriptor, type Platform } from '../../../../lib/registry/index.ts'
import type { ImageName } from '../../image-name.ts'
import { ContentSource } from '../content-source.ts'
import { steadyRead } from '../steady-read.ts'
import { collected } from './collected.ts'
import type { BlobReader } from './layer-bytes.ts'
import { MAX_INDEX_DEPTH, MAX_MANIFEST_BYTES } from './limits.ts'
import { manifestFor } from './platform.ts'

export interface ImageComponents {
  readonly clock: Clock
  readonly http: HttpClient
}

export interface ImageAt {
  /** Base URL of the listener of the agent. */
  readonly agent: string
  readonly image: ImageName
}

/** The layers of an image for a platform, the uppermost first. @throws MANIFEST_UNKNOWN, MANIFEST_INVALID */
export async function layersOf(
  components: ImageComponents,
  { image, platform, ...at }: ImageAt & { readonly platform: Platform },
  options: AbortOptions,
): Promise<readonly LayerDescriptor[]> {
  let name = image
  for (let depth = 0; depth <= MAX_INDEX_DEPTH; depth += 1) {
    const bytes = await manifestBytes(components, { ...at, image: name }, options)
    const { manifests } = imageParts(bytes)
    const layers = imageLayers(bytes)
    if (layers.length > 0 || manifests.length === 0) return layers.toReversed()
    const { digest } = manifestFor(manifests, platform)
    name = { ...image, digest, reference: digest }
  }
  throw appError('MANIFEST_INVALID', { message: `the index leads through more than ${MAX_INDEX_DEPTH} others` })
}

async function manifestBytes(
  { clock, http }: ImageComponents,
  { agent, image }: ImageAt,
  options: AbortOptions,
): Promise<Buffer> {
  const source = new ContentSource(http, agent, image)
  const open = await source.open(undefined, options)
  const bytes = await collected(
    steadyRead({ source, clock, random: systemRandom() }, open, options),
    MAX_MANIFEST_BYTES,
  )
  const digest = image.digest ?? open.digest
  if (digest === undefined || digestOf(bytes, digestAlgorithm(digest)) === digest) return bytes
  throw appError('DIGEST_INVALID', { message: 'what came is not the manifest of this digest' })
}

/** Is told of what is read. */
export interface ReadCounts {
  /** So many bytes of a layer are asked for. */
  asked(layer: LayerDescriptor, bytes: number): void
  came(bytes: number): void
}

/** Reads layers through the agent. */
export function layerReader(
  { clock, http }: ImageComponents,
  { agent, image }: ImageAt,
  counts: ReadCounts,
): BlobReader {
  return {
    async *read(layer, range, options) {
      const source = new ContentSource(http, agent, { ...image, digest: layer.digest, reference: layer.digest })
      const open = await source.open(range && `${range.start}-${range.end - 1}`, options).catch((err: unknown) => {
        throw layer.isForeign && hasCode(err, 'BLOB_UNKNOWN', 'MANIFEST_UNKNOWN') ? elsewhere(layer) : err
      })
      counts.asked(layer, open.end - open.start)
      for await (const chunk of steadyRead({ source, clock, random: systemRandom() }, open, options)) {
        counts.came(chunk.length)
        yield chunk
      }
    },
  }
}

const elsewhere = ({ digest }: LayerDescriptor) =>
  appError('LAYER_UNREADABLE', { message: `the layer ${digest} lies elsewhere: it must not be redistributed` })
