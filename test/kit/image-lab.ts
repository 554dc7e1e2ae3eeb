import { parseDigest } from '../../lib/core/index.ts'
import type { LayerDescriptor } from '../../lib/registry/index.ts'
import type { Found } from '../../services/cli/get/image/image-files.ts'
import { OpenedImage } from '../../services/cli/get/image/opened-image.ts'
import { type BuiltLayer, type LayerFile, layerOf, tarOf } from './layer-files.ts'

/** An image in memory, and how much of each layer was read. */
export interface ImageLab {
  readonly image: OpenedImage
  /** Bytes that were read of each layer, the uppermost first. */
  readonly read: readonly number[]
  find(path: string): Promise<Found>
  /** The whole file, or a part of it. */
  bytes(path: string, start?: number, end?: number): Promise<Buffer>
  list(path: string): Promise<readonly string[]>
}

const CHUNK = 10_000

/** @param layers the uppermost first: built, or the entries of a plain tar */
export function imageLab(layers: readonly (BuiltLayer | readonly LayerFile[])[]): ImageLab {
  const built = layers.map((layer) => ('bytes' in layer ? layer : layerOf(tarOf(layer))))
  const read = built.map(() => 0)
  const described = built.map(({ bytes, digest, annotations }, i): LayerDescriptor => {
    const facts = { digest: parseDigest(digest), size: bytes.length, mediaType: String(i) }
    return { ...facts, annotations: new Map(Object.entries(annotations)), isForeign: false }
  })
  const blobs = {
    async *read({ mediaType }: LayerDescriptor, range = { start: 0, end: Number.MAX_SAFE_INTEGER }) {
      const number = Number(mediaType)
      const part = built[number]?.bytes.subarray(range.start, range.end) ?? Buffer.alloc(0)
      for (let at = 0; at < part.length; at += CHUNK) {
        const chunk = part.subarray(at, at + CHUNK)
        read[number] = (read[number] ?? 0) + chunk.length
        yield chunk
      }
    },
  }
  const image = new OpenedImage({ blobs, layers: described, catcher: () => undefined })
  const find = (path: string) => image.files.find(path, {})
  return {
    ...{ image, read, find },
    async bytes(path, start = 0, end = Number.MAX_SAFE_INTEGER) {
      const { layer, entry } = await find(path)
      const opened = await image.layer(layer, {})
      const parts: Uint8Array[] = []
      for await (const part of opened.read(entry, { start, end: Math.min(end, entry.size) }, {})) parts.push(part)
      return Buffer.concat(parts)
    },
    list: async (path) =>
      (await image.files.list(path, {})).map(({ entry, path: at }) => `${entry.kind} ${entry.size} ${at}`),
  }
}
