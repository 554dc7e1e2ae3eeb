import type { AbortOptions } from '../../../../lib/base/index.ts'
import type { LayerDescriptor } from '../../../../lib/registry/index.ts'
import { ImageFiles } from './image-files.ts'
import type { BlobReader } from './layer-bytes.ts'
import { MAX_ENTRIES } from './limits.ts'
import { type Catcher, type ReadableLayer, tarLayer } from './tar-layer.ts'
import { tocLayer } from './toc-layer.ts'

export interface OpenedImageInit {
  readonly blobs: BlobReader
  /** The uppermost first. */
  readonly layers: readonly LayerDescriptor[]
  /** A catcher for a layer whose names are read from end to end. */
  readonly catcher: (layer: number) => Catcher | undefined
}

/** The layers of an image, each of them read when it is first needed, and once. For one task at a time. */
export class OpenedImage {
  readonly files: ImageFiles
  readonly #init: OpenedImageInit
  readonly #budget = { left: MAX_ENTRIES }
  readonly #opened = new Map<number, ReadableLayer>()

  constructor(init: OpenedImageInit) {
    this.#init = init
    const index = async (number: number, options: AbortOptions) => (await this.layer(number, options)).index
    this.files = new ImageFiles({ layers: init.layers.length, index })
  }

  /** @param number 0 is the uppermost */
  async layer(number: number, options: AbortOptions): Promise<ReadableLayer> {
    const opened = this.#opened.get(number) ?? (await this.#open(number, options))
    this.#opened.set(number, opened)
    return opened
  }

  async #open(number: number, options: AbortOptions): Promise<ReadableLayer> {
    const { blobs, catcher, layers } = this.#init
    const layer = layers[number]
    if (layer === undefined) throw new RangeError(`there is no layer ${number}`)
    const init = { blobs, layer, budget: this.#budget }
    return (await tocLayer(init, options)) ?? tarLayer(init, catcher(number), options)
  }
}
