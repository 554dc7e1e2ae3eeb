import { createHash, type Hash } from 'node:crypto'
import type { BigIntStats } from 'node:fs'
import { type FileHandle, open, unlink } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { readFully, writeFully } from '../../base/index.ts'
import type { ObjectStat, WriteOptions } from '../backend.ts'
import { receive } from '../receive.ts'
import { io } from './fs-error.ts'

/** The etag of an object up to this size is a hash of its content; the etag of a larger one comes from its file. */
export const HASHED_BYTES = 64 * 1024

/**
 * Size and etag of an open file. Objects that are replaced conditionally are small, and may be replaced within one tick
 * of the file system's clock, so their etag is a hash. A larger file cannot be written, flushed and replaced by another
 * with the same inode, size and time.
 */
export async function statObject(handle: FileHandle): Promise<ObjectStat> {
  const stats = await handle.stat({ bigint: true })
  const size = Number(stats.size)
  return { size, etag: size <= HASHED_BYTES ? await contentTag(handle, size) : fileTag(stats) }
}

async function contentTag(handle: FileHandle, size: number): Promise<string> {
  const bytes = Buffer.alloc(size)
  await readFully(handle, bytes, 0)
  return tagOf(createHash('sha256').update(bytes))
}

const tagOf = (content: Hash): string => `h-${content.digest('hex').slice(0, 32)}`

function fileTag({ ino, size, mtimeNs }: BigIntStats): string {
  return `f-${ino.toString(36)}-${size.toString(36)}-${mtimeNs.toString(36)}`
}

/**
 * Writes `source` to the new file `path` and flushes it; the result is what `statObject` says of it. When it fails, the
 * caller must discard the partial file.
 */
export async function stageFile(
  path: string,
  source: Readable | Uint8Array,
  options: WriteOptions,
): Promise<ObjectStat> {
  const { size } = options
  const hash = size <= HASHED_BYTES ? createHash('sha256') : undefined
  const handle = await io(open(path, 'wx+'))
  try {
    await receive(source, options, (chunk) => {
      hash?.update(chunk)
      return io(writeFully(handle, chunk))
    })
    await io(handle.sync())
    return hash === undefined ? await io(statObject(handle)) : { size, etag: tagOf(hash) }
  } finally {
    await handle.close()
  }
}

/** Removes a staged file if it still exists. A file that cannot be removed now is removed at a later start. */
export async function discardStaged(path: string): Promise<void> {
  await unlink(path).catch(() => undefined)
}
