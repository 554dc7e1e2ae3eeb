export { boundedIndex, boundedOpen } from './bounded.ts'
export { ways } from './ways.ts'
