import { chmod, mkdir, open, rmdir } from 'node:fs/promises'
import { dirname, parse, resolve } from 'node:path'
import { hasCode } from './app-error.ts'

/** The latest sync of each folder that has not ended. */
const syncs = new Map<string, FolderSync>()

interface FolderSync {
  hasBegun: boolean
  readonly done: Promise<void>
}

/**
 * Makes the entries of a folder durable: names created or moved in the folder before this call survive a power loss. Who
 * calls while a sync of the folder runs shares the next one with all who do.
 * @throws ENOENT when there is no such folder
 */
export function syncFolder(folder: string): Promise<void> {
  const latest = syncs.get(folder)
  if (latest?.hasBegun === false) return latest.done
  const begin = async () => {
    await latest?.done.catch(() => undefined)
    sync.hasBegun = true
    await syncNow(folder)
  }
  const end = () => {
    if (syncs.get(folder) === sync) syncs.delete(folder)
  }
  const sync: FolderSync = { hasBegun: latest === undefined, done: Promise.resolve().then(begin).finally(end) }
  syncs.set(folder, sync)
  return sync.done
}

async function syncNow(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Like `syncFolder`, but a folder that was removed meanwhile is not an error. */
export async function syncFolderIfThere(folder: string): Promise<void> {
  await syncFolder(folder).catch((err: unknown) => {
    if (!hasCode(err, 'ENOENT')) throw err
  })
}

/** Modes of what only the user of the service may use, whatever the umask is. */
export const ownerOnly = { folder: 0o700, file: 0o600 } as const

export interface MakeFolderInit {
  /** Default: the root of the file system. It is never made. */
  readonly root?: string
  /** Mode of what is made, less the umask. Default: `ownerOnly.folder`. */
  readonly mode?: number
}

/** Folders that this process is making, by path, until they are durable. False: the folder above is missing. */
const underWay = new Map<string, Promise<boolean>>()

/**
 * Makes `folder` and what is missing between it and `root`, durably. What another call has made a moment ago counts
 * only once that call has synced it. Where `root` is missing the disk is not mounted, and writing would go to the wrong
 * disk. What somebody removes at the same time may be missing again.
 * @throws ENOENT when `root` is missing
 */
export async function makeFolder(folder: string, init: MakeFolderInit = {}): Promise<void> {
  const path = resolve(folder)
  const { root = parse(path).root, mode = ownerOnly.folder } = init
  await makeBelow(resolve(root), path, mode)
  for (let above = path; above !== dirname(above); above = dirname(above)) await underWay.get(above)
}

/** Mode of a folder that is missing above that of a service, less the umask: it is not the service's own. */
const FOLDER_ABOVE = 0o777

/**
 * Makes the folder of a service, or closes one that is there already to everybody else. What is missing above it is made
 * as mkdir(1) makes it, because services of other users may have theirs there.
 */
export async function makeOwnFolder(folder: string): Promise<void> {
  await makeFolder(dirname(resolve(folder)), { mode: FOLDER_ABOVE })
  await makeFolder(folder)
  await chmod(folder, ownerOnly.folder).catch((err: unknown) => {
    // The root of a volume may belong to another user; what is made below it does not.
    if (!hasCode(err, 'EPERM', 'EROFS')) throw err
  })
}

/** Not mkdir's own `recursive`, which never returns on a file system that answers ENOENT to every mkdir. */
async function makeBelow(root: string, path: string, mode: number): Promise<void> {
  if (path === root || (await makeOne(path, mode, dirname(path) === root))) return
  await makeBelow(root, dirname(path), mode)
  await makeOne(path, mode, false)
}

function makeOne(path: string, mode: number, parentIsThere: boolean): Promise<boolean> {
  const running = underWay.get(path)
  if (running !== undefined) return running
  const making = makeAndSync(path, mode, parentIsThere).finally(() => underWay.delete(path))
  underWay.set(path, making)
  return making
}

async function makeAndSync(path: string, mode: number, parentIsThere: boolean): Promise<boolean> {
  try {
    await mkdir(path, mode)
  } catch (err) {
    if (hasCode(err, 'EEXIST')) return true
    if (hasCode(err, 'ENOENT') && !parentIsThere) return false
    throw err
  }
  await syncFolderIfThere(dirname(path))
  return true
}

/**
 * Removes `path` and its parents, below `root`, while they are empty. A writer that needs one of them makes it again.
 */
export async function pruneFolders(root: string, path: string): Promise<void> {
  for (let at = path; at !== root; at = dirname(at)) {
    try {
      await rmdir(at)
    } catch (err) {
      if (hasCode(err, 'ENOTEMPTY', 'EEXIST')) return
      if (!hasCode(err, 'ENOENT')) throw err
    }
  }
}
