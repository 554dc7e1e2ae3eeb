export { digestsOf, type ImageLayout, type LayoutDigests, makeImage, makeIndex } from './image-layout.ts'
export { greeting, layeredImage, type SampleInit, twoPlatforms } from './samples.ts'
