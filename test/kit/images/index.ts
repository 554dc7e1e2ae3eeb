export { digestFiles, fileDigests, readDigests } from './file-digests.ts'
export { digestsOf, type ImageLayout, type LayoutDigests, makeImage, makeIndex } from './image-layout.ts'
export type { RandomLayer } from './layer.ts'
export { greeting, layeredImage, type SampleInit, twoPlatforms } from './samples.ts'
