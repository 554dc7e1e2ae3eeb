import { createHash } from 'node:crypto'
import { type FileHandle, open, stat, writeFile } from 'node:fs/promises'
import { Bitset, makeFolder, ownerOnly, readSmall } from '../../base/index.ts'
import type { Digest, PieceMap } from '../../core/index.ts'
import type { PartialFile, PartialFiles } from '../medium.ts'
import { type DiskPartial, type DiskPartialEnvironment, type DiskPartialTiming, diskPartial } from './disk-partial.ts'
import { openData, readRange, removeFolder } from './durable.ts'
import { notePartialMeta, readPartialMeta, replacePartialMeta } from './partial-meta.ts'
import { PieceLog } from './piece-log.ts'

export interface PartialFilesComponents extends Omit<DiskPartialEnvironment, 'ended'> {
  /** The current boot; undefined when the system does not tell. */
  readonly bootId: () => string | undefined
}

export interface DiskPartialFiles extends PartialFiles {
  /** Syncs all data that is written but not yet synced, in all files. */
  flush(): Promise<void>
}

/** Drops each unsynced piece that does not match its hash, and syncs the data of the others. */
async function verifyUnsynced(data: FileHandle, map: PieceMap, log: PieceLog): Promise<void> {
  await data.datasync()
  for (const piece of log.pieces('written')) {
    const bytes = await readRange(data, map.rangeOf(piece))
    const intact = createHash('sha256').update(bytes).digest().equals(log.hash(piece))
    log.set(piece, intact ? 'synced' : 'missing')
  }
}

async function readLog(path: string, map: PieceMap): Promise<PieceLog> {
  return new PieceLog(map, await readSmall(path))
}

async function withFile<T>(opening: Promise<FileHandle>, work: (handle: FileHandle) => Promise<T>): Promise<T> {
  const handle = await opening
  try {
    return await work(handle)
  } finally {
    await handle.close()
  }
}

export function partialFiles(components: PartialFilesComponents, init: DiskPartialTiming): DiskPartialFiles {
  const { paths, bootId } = components
  const active = new Set<DiskPartial>()

  const create = async (digest: Digest, map: PieceMap): Promise<PieceLog> => {
    const own = paths.partial(digest)
    const log = new PieceLog(map)
    await removeFolder(own.folder)
    await makeFolder(own.folder)
    await withFile(open(own.data, 'wx', ownerOnly.file), (handle) => handle.truncate(map.length))
    await writeFile(own.map, log.bytes, { mode: ownerOnly.file })
    await notePartialMeta(own.meta, { map, bootId: bootId() })
    return log
  }

  /** After another boot, or when boots cannot be told apart, only synced pieces are trusted without a check. */
  const recover = async (digest: Digest, map: PieceMap, log: PieceLog) => {
    const own = paths.partial(digest)
    await withFile(openData(own.data, 'r+'), async (handle) => {
      // A power loss may have taken the length, too.
      if ((await handle.stat()).size < map.length) await handle.truncate(map.length)
      await verifyUnsynced(handle, map, log)
    })
    await writeFile(own.map, log.bytes, { flush: true, mode: ownerOnly.file })
    await replacePartialMeta(own.meta, { map, bootId: bootId() })
  }

  const load = async (digest: Digest, map: PieceMap): Promise<PieceLog> => {
    const own = paths.partial(digest)
    const meta = await readPartialMeta(own.meta)
    const hasData = await stat(own.data).then(
      () => true,
      () => false,
    )
    if (meta === undefined || !hasData) return create(digest, map)
    const log = await readLog(own.map, map)
    if (bootId() === undefined || meta.bootId !== bootId()) await recover(digest, map, log)
    return log
  }

  return {
    async open(digest, map): Promise<PartialFile> {
      const log = await load(digest, map)
      const found = new Bitset(map.count)
      for (const piece of log.pieces('written', 'synced')) found.add(piece)
      const ended = (file: DiskPartial) => void active.delete(file)
      const file = diskPartial({ ...components, ended }, { ...init, digest, map, log, found })
      active.add(file)
      return file
    },
    remove: (digest) => removeFolder(paths.partial(digest).folder),
    async flush() {
      await Promise.all([...active].map((file) => file.flush()))
    },
  }
}
