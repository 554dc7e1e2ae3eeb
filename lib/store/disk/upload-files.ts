import { rm, writeFile } from 'node:fs/promises'
import { appError, hasCode, ownerOnly, writeFully } from '../../base/index.ts'
import type { UploadFiles } from '../medium.ts'
import { noteUse } from './blob-files.ts'
import { moveDurably, openData, readRange } from './durable.ts'
import type { StorePaths } from './store-paths.ts'

export function uploadFiles(paths: StorePaths): UploadFiles {
  const openFile = async (id: string) => {
    try {
      return await openData(paths.upload(id), 'r+')
    } catch (err) {
      if (hasCode(err, 'ENOENT')) throw appError('BLOB_UPLOAD_UNKNOWN', { cause: err })
      throw err
    }
  }
  return {
    async create(id, _volume, usedAtMs) {
      await writeFile(paths.upload(id), '', { flag: 'wx', mode: ownerOnly.file })
      await noteUse(paths.upload(id), usedAtMs)
    },
    async open(id) {
      const handle = await openFile(id)
      return {
        read: (range, into) => readRange(handle, range, into),
        close: () => handle.close(),
        write: (bytes, position) => writeFully(handle, bytes, position),
        async settle(size, usedAtMs) {
          const { size: onDisk } = await handle.stat()
          if (onDisk !== size) await handle.truncate(size)
          await handle.utimes(usedAtMs / 1000, usedAtMs / 1000)
        },
      }
    },
    async promote(id, digest, usedAtMs) {
      const handle = await openFile(id)
      try {
        await handle.sync()
      } finally {
        await handle.close()
      }
      const { data } = paths.blob(digest)
      await moveDurably(paths.upload(id), data)
      await noteUse(data, usedAtMs)
    },
    remove: (id) => rm(paths.upload(id), { force: true }),
  }
}
