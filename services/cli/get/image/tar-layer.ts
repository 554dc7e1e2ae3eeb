import type { AbortOptions } from '../../../../lib/base/index.ts'
import type { ByteRange } from '../../../../lib/core/index.ts'
import type { LayerDescriptor } from '../../../../lib/registry/index.ts'
import type { ImagePath } from './image-path.ts'
import { type BlobReader, WholeLayer } from './layer-bytes.ts'
import { type EntryBudget, type LayerEntry, LayerIndex } from './layer-index.ts'

/** Takes the bytes of one file while the names of its layer are read, so that the layer is read once. */
export interface Catcher {
  readonly path: ImagePath
  /** Another entry of this name begins; what came of an earlier one counts no more. */
  begin(entry: LayerEntry): Promise<void>
  take(bytes: Uint8Array): Promise<void>
}

/** A layer whose names are known, and whose files can be read. */
export interface ReadableLayer {
  readonly index: LayerIndex
  /** Bytes of one of its files. @throws DIGEST_INVALID, when all of them have been given */
  read(entry: LayerEntry, part: ByteRange, options: AbortOptions): AsyncGenerator<Uint8Array>
}

export interface LayerInit {
  readonly blobs: BlobReader
  readonly layer: LayerDescriptor
  readonly budget: EntryBudget
}

/**
 * A layer of which nothing is known before it is read: any entry may come again, so all of it is read, and its digest
 * is checked, before one name of it counts. @throws LAYER_UNREADABLE, IMAGE_TOO_LARGE, DIGEST_INVALID
 */
export async function tarLayer(
  { blobs, layer, budget }: LayerInit,
  catcher: Catcher | undefined,
  options: AbortOptions,
): Promise<ReadableLayer> {
  const index = new LayerIndex(budget)
  await using whole = new WholeLayer(blobs, layer, options)
  let isCaught = false
  for await (const item of whole.items()) {
    if (item.kind === 'bytes') {
      if (isCaught) await catcher?.take(item.bytes)
      continue
    }
    index.add(item.path, item.entry)
    isCaught = item.path === catcher?.path && item.entry.kind === 'file'
    if (isCaught) await catcher?.begin(item.entry)
  }
  await whole.end()
  return { index, read: (entry, part, opts) => fileOf({ blobs, layer }, { entry, part }, opts) }
}

async function* fileOf(
  { blobs, layer }: Pick<LayerInit, 'blobs' | 'layer'>,
  { entry, part }: { readonly entry: LayerEntry; readonly part: ByteRange },
  options: AbortOptions,
): AsyncGenerator<Uint8Array> {
  await using whole = new WholeLayer(blobs, layer, options)
  let isOurs = false
  let at = 0
  for await (const item of whole.items()) {
    if (item.kind === 'entry') {
      if (isOurs) break
      isOurs = item.entry.at === entry.at
      continue
    }
    if (!isOurs) continue
    const bytes = item.bytes.subarray(Math.max(0, part.start - at), Math.max(0, part.end - at))
    at += item.bytes.length
    if (bytes.length > 0) yield bytes
    if (at >= part.end) break
  }
  await whole.end()
}
