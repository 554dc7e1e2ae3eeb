import { open, rm, stat, utimes } from 'node:fs/promises'
import { appError, hasCode, ownerOnly, readSmall, replaceFile, syncFolder } from '../../base/index.ts'
import type { Digest } from '../../core/index.ts'
import type { BlobFiles } from '../medium.ts'
import { openData, readRange, removeFolder } from './durable.ts'
import type { HandleCache } from './handle-cache.ts'
import type { StorePaths } from './store-paths.ts'

/** A missing file means that the blob is unknown. */
export async function openBlobData(paths: StorePaths, digest: Digest) {
  try {
    return await openData(paths.blob(digest).data, 'r')
  } catch (err) {
    if (hasCode(err, 'ENOENT')) throw appError('BLOB_UNKNOWN', { detail: { digest }, cause: err })
    throw err
  }
}

/** The file system takes times in seconds, with a fraction. */
export async function noteUse(path: string, usedAtMs: number): Promise<void> {
  await utimes(path, usedAtMs / 1000, usedAtMs / 1000)
}

export function blobFiles(paths: StorePaths, cache: HandleCache): BlobFiles {
  return {
    async open(digest) {
      const handle = await openBlobData(paths, digest)
      return { read: (range, into) => readRange(handle, range, into), close: () => handle.close() }
    },
    readAt: (digest, range, into) =>
      cache.use(
        digest,
        () => openBlobData(paths, digest),
        (handle) => readRange(handle, range, into),
      ),
    async remove(digest) {
      const blob = paths.blob(digest)
      // The data is removed first: the next start removes a folder that has no data.
      await rm(blob.data, { force: true })
      await removeFolder(blob.folder)
      await cache.drop(digest)
    },
    async touch(digest, file, atMs) {
      const blob = paths.blob(digest)
      const path = file === 'data' ? blob.data : blob.sidecar('label')
      try {
        if (file === 'label') await (await open(path, 'a', ownerOnly.file)).close()
        await noteUse(path, atMs)
      } catch (err) {
        if (!hasCode(err, 'ENOENT')) throw err
      }
    },
    sidecar: (digest, name) => readSmall(paths.blob(digest).sidecar(name)),
    async putSidecar(digest, name, bytes) {
      const blob = paths.blob(digest)
      await stat(blob.data)
      await replaceFile(blob.sidecar(name), bytes)
    },
    async dropSidecar(digest, name) {
      const blob = paths.blob(digest)
      await rm(blob.sidecar(name), { force: true })
      await syncFolder(blob.folder)
    },
  }
}
