export { boundedIndex, boundedOpen } from './bounded.ts'
export { type Ways, ways } from './ways.ts'
