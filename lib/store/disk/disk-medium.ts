import { type FileHandle, readFile, statfs } from 'node:fs/promises'
import { background, type Clock, makeOwnFolder, type Random } from '../../base/index.ts'
import type { Digest } from '../../core/index.ts'
import type { Logger } from '../../telemetry/index.ts'
import type { Medium } from '../medium.ts'
import { blobFiles, openBlobData } from './blob-files.ts'
import { lockFolder } from './folder-lock.ts'
import { handleCache } from './handle-cache.ts'
import { idleHandles } from './idle-handles.ts'
import { partialFiles } from './partial-files.ts'
import { scanFolder } from './scan.ts'
import { storePaths } from './store-paths.ts'
import { uploadFiles } from './upload-files.ts'

export interface DiskMediumComponents {
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  /** Opens a complete blob that may be on another volume; default: on this medium. */
  readonly openBlob?: ((digest: Digest) => Promise<FileHandle>) | undefined
  /** Identifies the current boot of the machine; after a new boot, unsynced data may be lost. Default: asks Linux. */
  readonly bootId?: (() => Promise<string | undefined>) | undefined
}

export interface DiskMediumInit {
  readonly folder: string
  readonly syncBytes: number
  readonly syncMs: number
  readonly handleIdleMs: number
  readonly maxOpenBlobs: number
}

/** Undefined where the system has no boot id; then every restart counts as a power loss. */
async function linuxBootId(): Promise<string | undefined> {
  try {
    return (await readFile('/proc/sys/kernel/random/boot_id', 'latin1')).trim()
  } catch {
    return undefined
  }
}

/** Keeps the bytes in a folder of a disk. @throws CONFIG_INVALID when another process uses the folder */
export function diskMedium(components: DiskMediumComponents, init: DiskMediumInit): Medium {
  const { clock, random, logger } = components
  const paths = storePaths(init.folder)
  const cache = handleCache(init.maxOpenBlobs)
  const uploading = handleCache(init.maxOpenBlobs)
  const warn = (err: unknown) => logger.warn('failed to close a file', { err })
  const handles = idleHandles(clock, { idleMs: init.handleIdleMs, onFailure: warn })
  const newTasks = () => background((name, err) => logger.error('failed in the background', { task: name, err }))
  let tasks = newTasks()
  let bootId: string | undefined
  let unlock: (() => Promise<void>) | undefined

  const openBlob = components.openBlob ?? ((digest: Digest) => openBlobData(paths, digest))
  const partials = partialFiles({ paths, openBlob, clock, handles, tasks: () => tasks, bootId: () => bootId }, init)

  return {
    blobs: blobFiles(paths, cache),
    uploads: uploadFiles(paths, uploading),
    partials,
    async start() {
      await makeOwnFolder(init.folder)
      bootId = await (components.bootId ?? linuxBootId)()
      unlock = await lockFolder({ clock, random }, { path: paths.lock, folder: init.folder })
      tasks = newTasks()
      try {
        return await scanFolder(paths)
      } catch (err) {
        await unlock()
        throw err
      }
    },
    async stop() {
      await tasks.stop()
      try {
        await partials.flush()
      } finally {
        await handles.closeAll()
        await cache.clear()
        await uploading.clear()
        await unlock?.()
        unlock = undefined
      }
    },
    async freeBytes() {
      const { bavail, bsize } = await statfs(init.folder)
      return bavail * bsize
    },
    choose: () => init.folder,
    volumes: [init.folder],
    out: new Map(),
    onLost: () => undefined,
  }
}
