import { constants } from 'node:fs'
import { type FileHandle, open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { appError, hasCode } from './app-error.ts'
import { ownerOnly, syncFolder } from './durable-folder.ts'
import { readFully } from './whole-io.ts'

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

/**
 * The text of a small file of others, through links: Kubernetes mounts a Secret or a ConfigMap as one.
 * @throws CONFIG_INVALID when it is larger than `maxBytes`, and what the file system throws
 */
export async function readLinked(path: string, maxBytes: number): Promise<string> {
  await using handle = await open(path)
  const { size } = await handle.stat()
  if (size > maxBytes) throw appError('CONFIG_INVALID', { message: `it is larger than ${maxBytes} bytes` })
  const bytes = Buffer.alloc(size)
  const length = await readFully(handle, bytes, 0)
  return bytes.subarray(0, length).toString('utf8')
}

export interface ReplaceFileOptions {
  /** Rights of the new file, whatever the umask. Default: only its owner has any. */
  readonly mode?: number
}

/** Replaces a small file atomically: readers see the old or the new content, also after a power loss. */
export async function replaceFile(
  path: string,
  content: Uint8Array | string,
  { mode }: ReplaceFileOptions = {},
): Promise<void> {
  const draft = `${path}.tmp`
  const handle = await openNewFile(draft)
  try {
    if (mode !== undefined) await handle.chmod(mode)
    await handle.writeFile(content)
    await handle.sync()
  } finally {
    await handle.close()
  }
  await rename(draft, path)
  await syncFolder(dirname(path))
}

/** Makes a file and opens it. What an earlier process left there, or a link, goes: writing must not go through it. */
export async function openNewFile(path: string): Promise<FileHandle> {
  const make = () => open(path, 'wx', ownerOnly.file)
  try {
    return await make()
  } catch (err) {
    if (!hasCode(err, 'EEXIST')) throw err
    await rm(path, { force: true })
    return make()
  }
}
