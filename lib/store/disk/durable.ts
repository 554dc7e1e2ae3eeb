import { constants } from 'node:fs'
import { type FileHandle, open, rename, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { appError, hasCode, makeFolder, ownerOnly, readFully, syncFolder } from '../../base/index.ts'
import type { ByteRange } from '../../core/index.ts'

const dataFlags = { r: constants.O_RDONLY, 'r+': constants.O_RDWR }

/**
 * Opens a file of data that is there. A link in its place is not followed: it would lend out whatever file of this
 * machine it names, under a digest. @throws STORE_CORRUPT for a link
 */
export async function openData(path: string, flags: keyof typeof dataFlags): Promise<FileHandle> {
  try {
    return await open(path, dataFlags[flags] | constants.O_NOFOLLOW)
  } catch (err) {
    if (!hasCode(err, 'ELOOP')) throw err
    throw appError('STORE_CORRUPT', { message: 'a link stands in place of a file of the local store', cause: err })
  }
}

/** Reads a whole small file; undefined when it is missing. A link is no file of ours, so it counts as missing. */
export async function readSmall(path: string): Promise<Buffer | undefined> {
  let handle: FileHandle | undefined
  try {
    handle = await openData(path, 'r')
    return await handle.readFile()
  } catch (err) {
    if (hasCode(err, 'ENOENT', 'ENOTDIR', 'STORE_CORRUPT')) return undefined
    throw err
  } finally {
    await handle?.close()
  }
}

/** Renames a file whose bytes are already on disk, and makes both folders durable. */
export async function moveDurably(from: string, to: string): Promise<void> {
  await makeFolder(dirname(to))
  await rename(from, to)
  await syncFolder(dirname(to))
  await syncFolder(dirname(from))
}

/** Replaces a small file atomically: readers see the old or the new content, also after a power loss. */
export async function replaceFile(path: string, content: Uint8Array | string): Promise<void> {
  const draft = `${path}.tmp`
  // What an earlier process left, or a link: writing must not go through it.
  await rm(draft, { force: true })
  await writeFile(draft, content, { flag: 'wx', flush: true, mode: ownerOnly.file })
  await rename(draft, path)
  await syncFolder(dirname(path))
}

/** Removes a folder with its content; a missing folder is not an error. */
export function removeFolder(folder: string): Promise<void> {
  return rm(folder, { recursive: true, force: true })
}

/** Reads exactly the bytes of `range`, into `into` or a new buffer. @throws STORE_CORRUPT when the file is shorter */
export async function readRange(handle: FileHandle, range: ByteRange, into?: Uint8Array): Promise<Uint8Array> {
  const length = range.end - range.start
  const bytes = into ?? Buffer.allocUnsafeSlow(length)
  if ((await readFully(handle, bytes.subarray(0, length), range.start)) < length) {
    throw appError('STORE_CORRUPT', { message: 'a file of the local store is too short', detail: { ...range } })
  }
  return bytes
}
