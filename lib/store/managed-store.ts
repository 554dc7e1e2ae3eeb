import type { Startable } from '../base/index.ts'
import type { BlobReader, BlobUploads, PartialBlobs, Retention, Sidecars, StoreEvents } from './blob-store.ts'
import type { BlobInspection, StoreHealth, UploadInspection } from './upkeep.ts'

/**
 * All facets of one store: uploads, partial and complete blobs. It is the only writer of its folder and never fetches
 * anything.
 */
export type ManagedStore = Startable &
  BlobReader &
  BlobUploads &
  PartialBlobs &
  Sidecars &
  Retention &
  StoreEvents &
  BlobInspection &
  UploadInspection &
  StoreHealth
