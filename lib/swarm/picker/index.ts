export { type Availability, availability } from './availability.ts'
export { chooseServed, type SlotCandidate, type SlotRules } from './choose-served.ts'
export {
  type Admission,
  copiesFor,
  type OriginLedger,
  type OriginLedgerInit,
  originLedger,
} from './origin-ledger.ts'
export {
  byPriority,
  isOfUse,
  type PickPeer,
  type PickScope,
  type PickView,
  pickPiece,
  type ReaderWindow,
} from './pick-piece.ts'
export { PieceIndex } from './piece-index.ts'
export type { Offer, PieceQuery } from './piece-query.ts'
export { aheadBytes, ReadAhead, type WantedSpan } from './read-ahead.ts'
export { type WindowLimits, type WindowPace, windowBytes } from './reader-window.ts'
export { RepeatBudget } from './repeat-budget.ts'
export {
  type PaceInput,
  type PaceLimits,
  pipelineBlocks,
  type RateMeter,
  rateMeter,
  requestTimeoutMs,
} from './request-pace.ts'
export { OwnShare, type Shares, shares } from './shares.ts'
export { UsualTime } from './usual-time.ts'
