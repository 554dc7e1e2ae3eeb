import { createHash } from 'node:crypto'
import { type AbortOptions, appError, hasCode } from '../../../../lib/base/index.ts'
import { type ByteRange, digestAlgorithm, digestHex, digestOf } from '../../../../lib/core/index.ts'
import type { LayerDescriptor } from '../../../../lib/registry/index.ts'
import { ByteFeed } from './byte-feed.ts'
import { collected } from './collected.ts'
import { LayerIndex } from './layer-index.ts'
import { MAX_TOC_BYTES } from './limits.ts'
import type { LayerInit, ReadableLayer } from './tar-layer.ts'
import { tarItems } from './tar-reader.ts'
import { type TocChunk, type TocItem, tocItems } from './toc.ts'
import { unpacked } from './unpacked.ts'

const STARGZ_DIGEST = 'containerd.io/snapshot/stargz/toc.digest'
const ZSTD_DIGEST = 'io.github.containers.zstd-chunked.manifest-checksum'
const ZSTD_POSITION = 'io.github.containers.zstd-chunked.manifest-position'

/** The last bytes of an eStargz layer. */
const FOOTER = 51
const ZEROS = Buffer.alloc(64 * 1024)

/**
 * A layer whose names are in a table of contents that the manifest vouches for by its digest (eStargz, zstd:chunked): of
 * it only the table is read, and then the chunks of the files that are wanted, each proven by its digest in the table.
 * Undefined when there is no such table, or none that can be used; then the layer is read as every other.
 * @throws IMAGE_TOO_LARGE, and what reading fails with
 */
export async function tocLayer(init: LayerInit, options: AbortOptions): Promise<ReadableLayer | undefined> {
  const items = await itemsIn(init, options)
  if (items === undefined) return undefined
  const index = new LayerIndex(init.budget)
  for (const { path, entry } of items) index.add(path, entry)
  return { index, read: (entry, part, opts) => fileOf(init, { chunks: items[entry.at]?.chunks ?? [], part }, opts) }
}

async function itemsIn(init: LayerInit, options: AbortOptions): Promise<readonly TocItem[] | undefined> {
  const { annotations } = init.layer
  try {
    if (annotations.has(STARGZ_DIGEST)) return await stargzItems(init, annotations.get(STARGZ_DIGEST), options)
    return await zstdItems(init, annotations.get(ZSTD_DIGEST), options)
  } catch (err) {
    if (hasCode(err, 'LAYER_UNREADABLE', 'IMAGE_TOO_LARGE', 'RANGE_UNSATISFIABLE', 'RANGE_INVALID')) return undefined
    throw err
  }
}

async function stargzItems(init: LayerInit, digest: string | undefined, options: AbortOptions) {
  const { size } = init.layer
  const footer = await collected(part(init, { start: size - FOOTER, end: size }, options), FOOTER)
  const start = Number.parseInt(/([0-9a-f]{16})STARGZ/.exec(footer.toString('latin1'))?.[1] ?? '', 16)
  if (!(start < size - FOOTER)) return undefined
  await using packed = new ByteFeed(part(init, { start, end: size }, options))
  await using tar = new ByteFeed(unpacked(packed))
  const json = await collected(firstFile(tar), MAX_TOC_BYTES)
  return digestOf(json) === digest ? tocItems(json, start) : undefined
}

async function* firstFile(tar: ByteFeed): AsyncGenerator<Uint8Array> {
  for await (const item of tarItems(tar)) {
    if (item.kind === 'bytes') yield item.bytes
    else if (item.entry.at > 0) return
  }
}

async function zstdItems(init: LayerInit, digest: string | undefined, options: AbortOptions) {
  const [start = 0, length = 0, , type] = (init.layer.annotations.get(ZSTD_POSITION) ?? '').split(':').map(Number)
  const isPlace = Number.isSafeInteger(start) && length > 0 && length <= MAX_TOC_BYTES
  if (digest === undefined || !isPlace || type !== 1 || start + length > init.layer.size) return undefined
  const packed = await collected(part(init, { start, end: start + length }, options), length)
  if (digestOf(packed) !== digest) return undefined
  await using feed = new ByteFeed(one(packed))
  return tocItems(await collected(unpacked(feed), MAX_TOC_BYTES), start)
}

async function* one(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}

const part = ({ blobs, layer }: LayerInit, range: ByteRange, options: AbortOptions) => blobs.read(layer, range, options)

interface Wanted {
  readonly chunks: readonly TocChunk[]
  readonly part: ByteRange
}

async function* fileOf(init: LayerInit, wanted: Wanted, options: AbortOptions): AsyncGenerator<Uint8Array> {
  for (const chunk of wanted.chunks) {
    const from = Math.max(0, wanted.part.start - chunk.from)
    const to = Math.min(chunk.size, wanted.part.end - chunk.from)
    if (from >= to) continue
    let at = 0
    for await (const bytes of chunkBytes(init, chunk, options)) {
      const own = bytes.subarray(Math.max(0, from - at), Math.max(0, to - at))
      if (own.length > 0) yield own
      at += bytes.length
    }
  }
}

/** The unpacked bytes of a chunk. @throws DIGEST_INVALID, once they have been given */
async function* chunkBytes(init: LayerInit, chunk: TocChunk, options: AbortOptions): AsyncGenerator<Uint8Array> {
  if (chunk.digest === undefined) {
    yield* zeros(chunk.size)
    return
  }
  const hash = createHash(digestAlgorithm(chunk.digest))
  await using packed = new ByteFeed(part(init, chunk, options))
  await using plain = new ByteFeed(unpacked(packed))
  for (let left = chunk.before; left > 0; ) left -= await some(plain, left, init).then(({ length }) => length)
  for (let left = chunk.size; left > 0; ) {
    const bytes = await some(plain, left, init)
    hash.update(bytes)
    yield bytes
    left -= bytes.length
  }
  if (hash.digest('hex') !== digestHex(chunk.digest)) throw wrong(init.layer)
}

const wrong = ({ digest }: LayerDescriptor) =>
  appError('DIGEST_INVALID', { message: `what came of the layer ${digest} is not what its table of contents says` })

async function some(feed: ByteFeed, most: number, { layer }: LayerInit): Promise<Buffer> {
  const bytes = await feed.some(most)
  if (bytes.length === 0) throw wrong(layer)
  return bytes
}

function* zeros(size: number): Generator<Uint8Array> {
  for (let left = size; left > 0; left -= ZEROS.length) yield ZEROS.subarray(0, left)
}
