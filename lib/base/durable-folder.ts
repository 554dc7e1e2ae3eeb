import { mkdir, open, rmdir } from 'node:fs/promises'
import { dirname, parse, resolve } from 'node:path'
import { hasCode } from './app-error.ts'

/**
 * Makes the entries of a folder durable: names created or moved in the folder before this call survive a power loss.
 * @throws ENOENT when there is no such folder
 */
export async function syncFolder(folder: string): Promise<void> {
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

/** Folders that this process is making now, by path. The promise gives false when the parent folder is missing. */
const underWay = new Map<string, Promise<boolean>>()

/**
 * Makes `folder` and the missing folders between it and `root`, durably. When another call is making the same folder,
 * this call waits until that folder is synced. `root` itself (default: the root of the file system) is never made: when
 * it is missing, the disk is not mounted, and we would write to the wrong disk. A folder that another caller removes at
 * the same time may be missing again.
 * @throws ENOENT when `root` is missing
 */
export async function makeFolder(folder: string, root: string = parse(resolve(folder)).root): Promise<void> {
  const path = resolve(folder)
  await makeBelow(resolve(root), path)
  for (let above = path; above !== dirname(above); above = dirname(above)) await underWay.get(above)
}

/** Node's own recursive mkdir never returns on a file system that answers ENOENT to every mkdir. */
async function makeBelow(root: string, path: string): Promise<void> {
  if (path === root || (await makeOne(path, dirname(path) === root))) return
  await makeBelow(root, dirname(path))
  await makeOne(path, false)
}

function makeOne(path: string, parentIsThere: boolean): Promise<boolean> {
  const running = underWay.get(path)
  if (running !== undefined) return running
  const making = makeAndSync(path, parentIsThere).finally(() => underWay.delete(path))
  underWay.set(path, making)
  return making
}

async function makeAndSync(path: string, parentIsThere: boolean): Promise<boolean> {
  try {
    await mkdir(path)
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
