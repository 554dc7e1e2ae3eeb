import { dirname } from 'node:path'
import type { Readable } from 'node:stream'
import {
  type Clock,
  makeFolder,
  pruneFolders,
  type Random,
  syncFolderIfThere,
  throwIfAborted,
} from '../../base/index.ts'
import type { Logger } from '../../telemetry/index.ts'
import type { Backend, ObjectStat, WriteOptions } from '../backend.ts'
import { checkKey, checkPrefix } from '../key.ts'
import { owningSource } from '../receive.ts'
import { fileLocks } from './file-lock.ts'
import { io } from './fs-error.ts'
import { layout, SHARED_FOLDER } from './layout.ts'
import { checkCondition, linkNew, listObjects, readAt, remove, replace, statAt } from './object-files.ts'
import { discardStaged, HASHED_BYTES, stageFile } from './staged-file.ts'
import { staging } from './staging.ts'

export interface FileBackendComponents {
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
}

export interface FileBackendInit {
  /** Absolute. Created at the start; if it disappears later, that is an outage. Several processes may share it. */
  readonly folder: string
}

/** A backend in a folder of this machine, or of a network file system that has link(2) and an atomic rename(2). */
export function fileBackend(components: FileBackendComponents, { folder }: FileBackendInit): Backend {
  const files = layout(folder)
  const staged = staging(components, files.staging)
  const locks = fileLocks({ ...components, ...staged })

  const place = async (key: string, path: string, options: WriteOptions): Promise<void> => {
    throwIfAborted(options.signal)
    if (options.ifAbsent === true) await linkNew(files, key, path)
    else {
      await locks.hold(files.lock(key), (hold) => replace(files, key, { ...options, path, hold }), options)
    }
    await syncFolderIfThere(dirname(files.object(key)))
  }

  const put = async (key: string, source: Readable | Uint8Array, options: WriteOptions): Promise<ObjectStat> => {
    checkKey(key)
    throwIfAborted(options.signal)
    if (!isShortAndNew(options)) await io(checkCondition(files, key, options))
    const path = await io(staged.newPath())
    try {
      const written = await stageFile(path, source, options)
      await io(place(key, path, options))
      return written
    } finally {
      await discardStaged(path)
    }
  }

  return {
    async start() {
      await io(makeFolder(folder, { mode: SHARED_FOLDER }))
      for (const path of [files.objects, files.staging, files.locks])
        await io(makeFolder(path, { root: folder, mode: SHARED_FOLDER }))
      await io(staged.sweep())
    },
    stop: () => Promise.resolve(),
    async stat(key, options = {}) {
      checkKey(key)
      throwIfAborted(options.signal)
      return io(statAt(files, key))
    },
    async read(key, options = {}) {
      checkKey(key)
      throwIfAborted(options.signal)
      return io(readAt(files, key, options))
    },
    write: (key, source, options) => owningSource(source, () => put(key, source, options)),
    async list(prefix, { after = '', limit, signal } = {}) {
      checkPrefix(prefix)
      throwIfAborted(signal)
      return io(listObjects(files, { prefix, after }, limit))
    },
    async delete(key, options = {}) {
      checkKey(key)
      const folderOfKey = dirname(files.object(key))
      await io(locks.hold(files.lock(key), (hold) => remove(files, key, { ...options, hold }), options))
      await io(syncFolderIfThere(folderOfKey))
      await io(pruneFolders(files.objects, folderOfKey))
    },
  }
}

/** To write it in vain costs less than to look first whether the key is free; its name is given only if it is. */
const isShortAndNew = ({ ifAbsent, size }: WriteOptions): boolean => ifAbsent === true && size <= HASHED_BYTES
