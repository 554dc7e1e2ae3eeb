export { type Availability, availability } from './availability.ts'
export { type PickPeer, type PickView, pickPiece, type ReaderWindow } from './pick-piece.ts'
export {
  type PaceInput,
  type PaceLimits,
  pipelineBlocks,
  type RateMeter,
  rateMeter,
  requestTimeoutMs,
} from './request-pace.ts'
export { draw, type Shares, shares } from './shares.ts'
