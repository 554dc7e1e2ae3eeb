export { digestsOf, type ImageLayout, makeImage, makeIndex } from './image-layout.ts'
export { greeting, layeredImage, twoPlatforms } from './samples.ts'
