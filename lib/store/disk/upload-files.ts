import { type FileHandle, open, rm } from 'node:fs/promises'
import { appError, hasCode, makeFolder, openNewFile, ownerOnly, writeFully } from '../../base/index.ts'
import type { SidecarName } from '../blob-store.ts'
import type { BesideBlob, UploadFiles, UploadHandle } from '../medium.ts'
import { moveDurably, openData, readRange } from './durable.ts'
import type { HandleCache, TakenHandle } from './handle-cache.ts'
import type { StorePaths } from './store-paths.ts'

/** `cache` keeps the files open between the requests of an upload. */
export function uploadFiles(paths: StorePaths, cache: HandleCache): UploadFiles {
  const openFile = async (id: string) => {
    try {
      return await openData(paths.upload(id), 'r+')
    } catch (err) {
      if (hasCode(err, 'ENOENT')) throw unknownUpload(err)
      throw err
    }
  }
  const take = (id: string) => cache.take(id, () => openFile(id))

  return {
    async create(id) {
      const { release } = await cache.take(id, () => open(paths.upload(id), 'wx+', ownerOnly.file))
      await release()
    },
    open: async (id) => uploadHandle(await take(id)),
    async promote(id, digest, usedAtMs, beside) {
      const blob = paths.blob(digest)
      const { handle, release } = await take(id)
      try {
        const prepared = async () => {
          await makeFolder(blob.folder)
          return writeBeside(blob, beside, usedAtMs)
        }
        const synced = async () => {
          await noteTime(handle, usedAtMs)
          await handle.sync()
        }
        const [written] = await Promise.all([prepared(), synced()])
        await moveDurably(paths.upload(id), blob.data)
        await cache.drop(id)
        return written
      } catch (err) {
        throw hasCode(err, 'ENOENT') ? unknownUpload(err) : err
      } finally {
        await release()
      }
    },
    async remove(id) {
      await rm(paths.upload(id), { force: true })
      await cache.drop(id)
    },
  }
}

const unknownUpload = (cause: unknown) => appError('BLOB_UPLOAD_UNKNOWN', { cause })

const noteTime = (handle: FileHandle, atMs: number) => handle.utimes(atMs / 1000, atMs / 1000)

function uploadHandle({ handle, release }: TakenHandle): UploadHandle {
  let isTorn = false
  return {
    read: (range, into) => readRange(handle, range, into),
    close: () => release(),
    async write(bytes, position) {
      try {
        await writeFully(handle, bytes, position)
      } catch (err) {
        isTorn = true
        throw err
      }
    },
    async settle(size, usedAtMs) {
      if (isTorn) await handle.truncate(size)
      isTorn = false
      await noteTime(handle, usedAtMs)
    },
  }
}

/**
 * Writes the small files of a blob into its folder, before the blob is there: until then a start removes the folder, so
 * they need no drafts. One that cannot be written is left out: what it says can be found out again.
 */
async function writeBeside(
  blob: ReturnType<StorePaths['blob']>,
  beside: BesideBlob,
  atMs: number,
): Promise<readonly SidecarName[]> {
  const write = async ([name, bytes]: readonly [SidecarName, Uint8Array]): Promise<readonly SidecarName[]> => {
    const path = blob.sidecar(name)
    try {
      const handle = await openNewFile(path)
      try {
        await writeFully(handle, bytes)
        // When it was verified is read from this one.
        if (name === 'label') await noteTime(handle, atMs)
        await handle.sync()
      } finally {
        await handle.close()
      }
      return [name]
    } catch {
      await rm(path, { force: true })
      return []
    }
  }
  return (await Promise.all([...beside].map(write))).flat()
}
