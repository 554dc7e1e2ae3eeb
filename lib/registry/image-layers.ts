import type { Descriptor } from '../core/index.ts'
import { descriptorList, isForeign, parseObject } from './manifest-fields.ts'

/** A layer as a manifest names it. */
export interface LayerDescriptor extends Descriptor {
  /** What the manifest says of it besides: texts by name. */
  readonly annotations: ReadonlyMap<string, string>
  /** Registries may lack it: clients fetch it from elsewhere, because it must not be redistributed. */
  readonly isForeign: boolean
}

/** The layers of an image manifest, the lowest first; none of an index. @throws MANIFEST_INVALID */
export function imageLayers(bytes: Uint8Array): readonly LayerDescriptor[] {
  const { layers = null } = parseObject(bytes)
  const described = layers as readonly { readonly annotations?: unknown }[]
  return descriptorList(layers, 'layers').map((layer, i) => ({
    ...{ digest: layer.digest, mediaType: layer.mediaType, size: layer.size },
    annotations: textsIn(described[i]?.annotations),
    isForeign: isForeign(layer),
  }))
}

function textsIn(value: unknown): ReadonlyMap<string, string> {
  const entries = typeof value === 'object' && value !== null ? Object.entries(value) : []
  return new Map(entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'))
}
