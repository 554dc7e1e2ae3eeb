export { digestsOf, type ImageLayout, type LayoutDigests, makeImage, makeIndex } from './image-layout.ts'
export type { RandomLayer } from './layer.ts'
export { randomChunks } from './random-stream.ts'
export { greeting, layeredImage, type SampleInit, twoPlatforms } from './samples.ts'
