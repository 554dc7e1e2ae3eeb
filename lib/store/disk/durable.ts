import { constants } from 'node:fs'
import { type FileHandle, open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { appError, hasCode, makeFolder, readFully, syncFolder } from '../../base/index.ts'
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

/** Renames a file whose bytes are already on disk, and makes both folders durable. */
export async function moveDurably(from: string, to: string): Promise<void> {
  await makeFolder(dirname(to))
  await rename(from, to)
  await Promise.all([syncFolder(dirname(to)), syncFolder(dirname(from))])
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
