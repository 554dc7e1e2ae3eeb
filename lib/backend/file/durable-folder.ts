import { mkdir, open, rmdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { hasCode } from '../../base/index.ts'

/** Flushes the names in a folder to the disk. A folder that was removed meanwhile has nothing to flush. */
export async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, 'r').catch((err: unknown) => {
    if (hasCode(err, 'ENOENT')) return undefined
    throw err
  })
  if (handle === undefined) return
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/**
 * Makes `path` and what is missing between it and `root`, durably. `root` itself is never made: where it is missing
 * the disk is not mounted, and writing would go to the wrong one. What somebody removes at the same time may be missing
 * again. @throws ENOENT when `root` is missing
 */
export async function makeFolder(root: string, path: string): Promise<void> {
  if (path === root || (await madeFolder(path, dirname(path) === root))) return
  await makeFolder(root, dirname(path))
  await madeFolder(path, false)
}

/** False when the folder above is missing and that need not be an error. */
async function madeFolder(path: string, parentIsThere: boolean): Promise<boolean> {
  try {
    await mkdir(path)
  } catch (err) {
    if (hasCode(err, 'EEXIST')) return true
    if (hasCode(err, 'ENOENT') && !parentIsThere) return false
    throw err
  }
  await syncFolder(dirname(path))
  return true
}

/** Removes `path` and the folders above it, up to `root`, while they are empty. A writer that is hit makes them again. */
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
