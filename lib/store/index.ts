export type { BlobStore, PartialBlob, ReadOptions, StoredBlob, Upload } from './blob-store.ts'
export type { StoreInit } from './content-store.ts'
export { type DiskStoreInit, diskStore } from './disk-store.ts'
export { memoryStore } from './memory-store.ts'
