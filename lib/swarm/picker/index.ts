export { type Availability, availability } from './availability.ts'
export { chooseServed, type SlotCandidate, type SlotRules } from './choose-served.ts'
export {
  type Admission,
  copiesFor,
  type OriginLedger,
  type OriginLedgerInit,
  originLedger,
} from './origin-ledger.ts'
export { type PickPeer, type PickView, pickPiece, type ReaderWindow } from './pick-piece.ts'
export {
  type PaceInput,
  type PaceLimits,
  pipelineBlocks,
  type RateMeter,
  rateMeter,
  requestTimeoutMs,
} from './request-pace.ts'
export { type Shares, shares } from './shares.ts'
