export type { BlobStore, PartialBlob, ReadOptions, StoredBlob, Upload } from './blob-store.ts'
