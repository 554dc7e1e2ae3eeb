import type { Startable } from '../base/index.ts'
import type { BlobReader, BlobUploads, PartialBlobs, Retention, Sidecars } from './blob-store.ts'
import type { BlobInspection, StoreHealth } from './upkeep.ts'

/** Blobs waiting, arriving and complete: all facets of one store, the only writer of its folder. Never fetches anything. */
export type ManagedStore = Startable &
  BlobReader &
  BlobUploads &
  PartialBlobs &
  Sidecars &
  Retention &
  BlobInspection &
  StoreHealth
