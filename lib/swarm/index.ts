export type { BlobHandle } from './engine/blob-handle.ts'
export { type SwarmEngine, type SwarmEngineComponents, type SwarmEngineInit, swarmEngine } from './engine/engine.ts'
export { type SwarmLimits, swarmLimits } from './limits.ts'
export type {
  AnnounceAnswer,
  AnnounceEntry,
  AnnounceEvent,
  Announcer,
  BlobRef,
  MetainfoSource,
  PeerReport,
  PieceSource,
} from './outside.ts'
export type { PullSummary } from './torrent/index.ts'
