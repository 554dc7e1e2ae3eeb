export type {
  AppendOptions,
  BlobReader,
  BlobUploads,
  CommittedBlob,
  HeldPartial,
  PartialBlob,
  PartialBlobs,
  ReadOptions,
  Retention,
  SidecarName,
  Sidecars,
  StoredBlob,
  StoreEvents,
  Upload,
} from './blob-store.ts'
export type { StoreInit } from './content-store.ts'
export { type DiskStoreInit, diskStore } from './disk-store.ts'
export { type LimitsTogether, limitsTogether } from './limits-together.ts'
export type { ManagedStore } from './managed-store.ts'
export { memoryStore } from './memory-store.ts'
export { pacedRead } from './scrub/paced-read.ts'
export type { Repair, RepairSource, Replacement } from './scrub/repair.ts'
export { type Scrub, type ScrubStatus, scrub } from './scrub/scrub.ts'
export { type ScrubRounds, scrubRounds } from './scrub/scrub-rounds.ts'
export { type SliceLengths, sliceLengths } from './slice-lengths.ts'
export type {
  BlobInspection,
  ChangingLimits,
  Hold,
  KeptBlob,
  OpenUpload,
  StoreHealth,
  StoreLimits,
  UploadInspection,
} from './upkeep.ts'
