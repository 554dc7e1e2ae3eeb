import { constants } from 'node:fs'
import { type FileHandle, open, rename, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { hasCode } from './app-error.ts'
import { ownerOnly, syncFolder } from './durable-folder.ts'

/** Reads a whole small file; undefined when it is missing. A link is no file of ours, so it counts as missing. */
export async function readSmall(path: string): Promise<Buffer | undefined> {
  let handle: FileHandle | undefined
  try {
    handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW)
    return await handle.readFile()
  } catch (err) {
    if (hasCode(err, 'ENOENT', 'ENOTDIR', 'ELOOP')) return undefined
    throw err
  } finally {
    await handle?.close()
  }
}

/** Replaces a small file atomically: readers see the old or the new content, also after a power loss. */
export async function replaceFile(path: string, content: Uint8Array | string): Promise<void> {
  const draft = `${path}.tmp`
  await writeNewFile(draft, content)
  await rename(draft, path)
  await syncFolder(dirname(path))
}

/**
 * Writes a file and makes its content durable, not yet its name. What an earlier process left there, or a link, goes:
 * writing must not go through it.
 */
export async function writeNewFile(path: string, content: Uint8Array | string): Promise<void> {
  const write = () => writeFile(path, content, { flag: 'wx', flush: true, mode: ownerOnly.file })
  try {
    await write()
  } catch (err) {
    if (!hasCode(err, 'EEXIST')) throw err
    await rm(path, { force: true })
    await write()
  }
}
