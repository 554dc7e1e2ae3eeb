export type { BlobHandle } from './engine/blob-handle.ts'
export { swarmEngine } from './engine/engine.ts'
export type {
  ArrivingSeed,
  OpenOptions,
  SwarmEngine,
  SwarmEngineComponents,
  SwarmEngineInit,
} from './engine/engine-contract.ts'
export { seedParts, seedStored } from './engine/seed-stored.ts'
export type { SettableLimits } from './engine/settable-limits.ts'
export type { PeerSnapshot, TorrentSnapshot } from './engine/snapshot.ts'
export { type SwarmLimits, swarmLimits } from './limits.ts'
export type {
  AnnounceAnswer,
  AnnounceEntry,
  AnnounceEvent,
  Announcer,
  AnnouncingNode,
  ForeignSwarms,
  HttpAdmission,
  MetainfoAsker,
  MetainfoOptions,
  MetainfoSource,
  OriginRing,
  PeerReport,
  PieceSource,
  SeedChange,
  SeedRef,
  SeedsTold,
  SwarmStore,
} from './outside.ts'
export { type MemoryNetwork, memoryNetwork, type PeerProver, type PeerTransport, tcpTransport } from './peer/index.ts'
export {
  classPaces,
  type LongWait,
  type NamedSource,
  type OnWanted,
  type PullSummary,
  type PullTrace,
  type ReadOptions,
  RecordedTrace,
  type SourceRecord,
  type WaitedFor,
  type WaitReport,
  type WaitTotal,
} from './torrent/index.ts'
