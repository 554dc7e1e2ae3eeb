export type { BlobStore, PartialBlob, ReadOptions, StoredBlob, Upload } from './blob-store.ts'
export type { StoreComponents, StoreInit } from './content-store.ts'
export { type DiskStoreComponents, type DiskStoreInit, diskStore } from './disk-store.ts'
export { memoryStore } from './memory-store.ts'
