import { contentStore, type StoreComponents, type StoreInit } from './content-store.ts'
import { type DiskMediumComponents, diskMedium } from './disk/disk-medium.ts'
import { volumesMedium } from './disk/volumes-medium.ts'
import type { ManagedStore } from './managed-store.ts'
import { DEFAULT_MIN_FREE_BYTES } from './space-init.ts'
import type { StoreLimits } from './upkeep.ts'

export interface DiskStoreComponents extends StoreComponents, DiskMediumComponents {}

export interface DiskStoreInit extends StoreInit {
  /** Created when missing. Only one process may use it; a second one is refused. */
  readonly folder: string
  /**
   * Use this instead of `folder` for several folders, each on its own disk. A broken one is left out, and its blobs are
   * then unknown.
   */
  readonly volumes?: readonly string[] | undefined
  /** The data of a partial blob is synced whenever this many bytes were written. Default 64 MiB. */
  readonly syncBytes?: number | undefined
  /** Longest time until written data is synced. Default 5 s. */
  readonly syncMs?: number | undefined
  /** A partial blob's files are closed after this time without use. Default 30 s. */
  readonly handleIdleMs?: number | undefined
  /** Number of complete blobs that stay open for random access. Default 64. */
  readonly maxOpenBlobs?: number | undefined
}

/** A blob store in a folder. `start` throws CONFIG_INVALID when another process uses the folder. */
export function diskStore(components: DiskStoreComponents, init: DiskStoreInit): ManagedStore & StoreLimits {
  const { volumes = [], minFreeBytes = DEFAULT_MIN_FREE_BYTES } = init
  const timing = {
    syncBytes: init.syncBytes ?? 64 * 1024 * 1024,
    syncMs: init.syncMs ?? 5_000,
    handleIdleMs: init.handleIdleMs ?? 30_000,
    maxOpenBlobs: init.maxOpenBlobs ?? 64,
  }
  const medium =
    volumes.length === 0
      ? diskMedium(components, { ...timing, folder: init.folder })
      : volumesMedium(components, { ...timing, folders: volumes, minFreeBytes })
  return contentStore(components, init, medium)
}
