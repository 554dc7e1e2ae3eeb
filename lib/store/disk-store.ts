import { contentStore, type ManagedStore, type StoreComponents, type StoreInit } from './content-store.ts'
import { type DiskMediumComponents, diskMedium } from './disk/disk-medium.ts'

export interface DiskStoreComponents extends StoreComponents, DiskMediumComponents {}

export interface DiskStoreInit extends StoreInit {
  /** Made when missing. One process at a time: a second one is refused. */
  readonly folder: string
  /** A partial blob's data is synced each time this much was written. Default 64 MiB. */
  readonly syncBytes?: number | undefined
  /** And at the latest after this time. Default 5 s. */
  readonly syncMs?: number | undefined
  /** A partial blob's files are closed after this time without use. Default 30 s. */
  readonly handleIdleMs?: number | undefined
  /** Complete blobs kept open for random access. Default 64. */
  readonly maxOpenBlobs?: number | undefined
}

/** A blob store in a folder. `start` throws CONFIG_INVALID when another process has the folder. */
export function diskStore(components: DiskStoreComponents, init: DiskStoreInit): ManagedStore {
  const medium = diskMedium(components, {
    folder: init.folder,
    syncBytes: init.syncBytes ?? 64 * 1024 * 1024,
    syncMs: init.syncMs ?? 5_000,
    handleIdleMs: init.handleIdleMs ?? 30_000,
    maxOpenBlobs: init.maxOpenBlobs ?? 64,
  })
  return contentStore(components, init, medium)
}
