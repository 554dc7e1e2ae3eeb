import { createHash, type Hash } from 'node:crypto'
import { type AbortOptions, appError } from '../../../../lib/base/index.ts'
import { type ByteRange, digestAlgorithm, digestHex } from '../../../../lib/core/index.ts'
import type { LayerDescriptor } from '../../../../lib/registry/index.ts'
import { ByteFeed } from './byte-feed.ts'
import { type TarItem, tarItems } from './tar-reader.ts'
import { unpacked } from './unpacked.ts'

/** Reads the bytes of a blob, all of them or a part; a body that breaks off is gone on with. */
export interface BlobReader {
  /** @param range undefined for all bytes */
  read(layer: LayerDescriptor, range: ByteRange | undefined, options: AbortOptions): AsyncIterable<Uint8Array>
}

/** A layer that is read from its first to its last byte, whose digest is checked at the end. */
export class WholeLayer implements AsyncDisposable {
  readonly #feed: ByteFeed
  readonly #layer: LayerDescriptor
  readonly #hash: Hash
  #size = 0

  constructor(blobs: BlobReader, layer: LayerDescriptor, options: AbortOptions) {
    this.#layer = layer
    this.#hash = createHash(digestAlgorithm(layer.digest))
    this.#feed = new ByteFeed(this.#hashed(blobs.read(layer, undefined, options)))
  }

  /** What the tar in it holds. @throws LAYER_UNREADABLE, IMAGE_TOO_LARGE */
  async *items(): AsyncGenerator<TarItem> {
    await using tar = new ByteFeed(unpacked(this.#feed))
    yield* tarItems(tar)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#feed[Symbol.asyncDispose]()
  }

  /** Reads what nobody has asked for, and checks the whole. @throws DIGEST_INVALID */
  async end(): Promise<void> {
    while ((await this.#feed.some(Infinity)).length > 0);
    const { digest, size } = this.#layer
    if (this.#size === size && this.#hash.digest('hex') === digestHex(digest)) return
    throw appError('DIGEST_INVALID', { message: `what came of the layer ${digest} is not its content` })
  }

  async *#hashed(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of bytes) {
      this.#size += chunk.length
      this.#hash.update(chunk)
      yield chunk
    }
  }
}
