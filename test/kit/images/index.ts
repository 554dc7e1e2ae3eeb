export {
  type Descriptor,
  digestsOf,
  type ImageLayout,
  type ImageSpec,
  type LayoutDigests,
  type ManifestDigests,
  makeImage,
  makeIndex,
  type Platform,
} from './image-layout.ts'
export type { LayerSpec, RandomLayer } from './layer.ts'
export { randomChunks } from './random-stream.ts'
export { greeting, layeredImage, type SampleInit, twoPlatforms } from './samples.ts'
