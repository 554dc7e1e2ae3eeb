export { comingContent, heldPart, storedContent } from './given.ts'
export type { ConnectionCount } from './meet/dialer.ts'
export { type ReadOptions, sourceReadable } from './read/reader.ts'
export { classPaces, type UploadLane, uploadLane } from './serve/upload-lane.ts'
export type { OnWanted } from './serve/wanted.ts'
export { type Content, completeContent, type HeldComponents } from './shared/content.ts'
export type { Loan } from './shared/loan.ts'
export { overflowShares } from './shared/overflow-shares.ts'
export { type PiecePool, piecePool } from './shared/piece-pool.ts'
export { type BytesBySource, bytesSince, noBytes, type PullSummary } from './shared/pull-summary.ts'
export { type PullTrace, PullWatch, silentTrace, type WaitedFor } from './shared/pull-trace.ts'
export {
  type LongWait,
  type NamedSource,
  RecordedTrace,
  type WaitReport,
  type WaitTotal,
} from './shared/recorded-trace.ts'
export { type SliceCache, sliceCache } from './shared/slice-cache.ts'
export { type SourceRecord, sourcesSince } from './shared/source-record.ts'
export { type SwarmMeters, swarmMeters } from './shared/swarm-meters.ts'
export { type WarmPieces, warmPieces } from './shared/warm-pieces.ts'
export { Torrent } from './torrent.ts'
export type { TorrentComponents, TorrentContent, TorrentEvents, TorrentInit } from './torrent-contract.ts'
