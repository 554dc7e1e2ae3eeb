import { open } from 'node:fs/promises'
import type { Timer } from '../../base/index.ts'
import type { Digest, PieceMap } from '../../core/index.ts'
import type { PartialFile } from '../medium.ts'
import { noteUse, openBlobData } from './blob-files.ts'
import { moveDurably, readFully, removeFolder, writeFully } from './durable.ts'
import type { PartialFilesComponents, PartialFilesInit } from './partial-files.ts'
import type { PieceLog } from './piece-log.ts'
import { pieceLogFile } from './piece-log-file.ts'

export interface DiskPartial extends Omit<PartialFile, 'found'> {
  /** Makes every piece written so far outlive a power loss. */
  flush(): Promise<void>
}

export interface DiskPartialComponents extends PartialFilesComponents {
  /** Called once, when it is no partial any more. */
  ended(): void
}

export interface DiskPartialInit extends PartialFilesInit {
  readonly digest: Digest
  readonly map: PieceMap
  readonly log: PieceLog
}

/** One partial blob in its folder. */
export function diskPartial(components: DiskPartialComponents, init: DiskPartialInit): DiskPartial {
  const { paths, clock, handles } = components
  const { digest, map, log, syncBytes, syncMs } = init
  const own = paths.partial(digest)
  let isBlob = false
  let ended = false
  let unsynced = log.pieces('written')
  let unsyncedBytes = 0
  let timer: Timer | undefined
  let syncing: Promise<void> = Promise.resolve()

  const data = handles.handle(() => (isBlob ? openBlobData(paths, digest) : open(own.data, 'r+')))
  const records = handles.handle(() => open(own.map, 'r+'))
  const logFile = pieceLogFile(log, records)

  const syncNow = async () => {
    timer?.cancel()
    timer = undefined
    if (ended || unsynced.length === 0) return
    const pieces = unsynced
    unsynced = []
    unsyncedBytes = 0
    try {
      await data.use((handle) => handle.datasync())
    } catch (err) {
      unsynced = [...pieces, ...unsynced]
      throw err
    }
    for (const piece of pieces) log.set(piece, 'synced')
    await logFile.save(Math.min(...pieces), Math.max(...pieces))
  }

  const flush = () => {
    syncing = syncing.catch(() => undefined).then(syncNow)
    return syncing
  }

  const flushBehind = () => components.tasks().run('sync a partial blob', flush)

  const noteUnsynced = (piece: number, bytes: number) => {
    unsynced.push(piece)
    unsyncedBytes += bytes
    if (unsyncedBytes >= syncBytes) {
      unsyncedBytes = 0
      flushBehind()
    } else timer ??= clock.setTimer(syncMs, flushBehind, { background: true })
  }

  /** From here on nothing is written to the folder. */
  const end = async () => {
    ended = true
    timer?.cancel()
    await syncing.catch(() => undefined)
    components.ended()
    await records.close()
  }

  return {
    async write(piece, bytes, hash) {
      await data.use((handle) => writeFully(handle, bytes, map.rangeOf(piece).start))
      log.set(piece, 'written', hash)
      await logFile.save(piece, piece)
      noteUnsynced(piece, bytes.length)
    },
    read: (range) => data.use((handle) => readFully(handle, range)),
    flush,
    async promote(usedAtMs) {
      await data.use((handle) => handle.sync())
      const blob = paths.blob(digest)
      await moveDurably(own.data, blob.data)
      isBlob = true
      await end()
      await removeFolder(own.folder)
      await noteUse(blob.data, usedAtMs)
    },
    async retire() {
      await end()
      isBlob = true
      await data.close()
      await removeFolder(own.folder)
    },
    async remove() {
      await end()
      await data.close()
      await removeFolder(own.folder)
    },
  }
}
