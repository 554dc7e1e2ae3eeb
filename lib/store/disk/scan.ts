import { lstat, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { hasCode, makeFolder } from '../../base/index.ts'
import type { Digest } from '../../core/index.ts'
import type { FoundBlob, FoundPartial, FoundUpload, Inventory } from '../medium.ts'
import { removeFolder } from './durable.ts'
import { readPartialMeta } from './partial-meta.ts'
import { PieceLog } from './piece-log.ts'
import { digestOfPath, isUploadId, type StorePaths } from './store-paths.ts'

/** A link is no file of ours, whatever it points to. */
async function statOf(path: string) {
  try {
    const found = await lstat(path)
    return found.isFile() ? { size: found.size, changedAtMs: found.mtimeMs } : undefined
  } catch (err) {
    if (hasCode(err, 'ENOENT', 'ENOTDIR')) return undefined
    throw err
  }
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder)
  } catch (err) {
    if (hasCode(err, 'ENOENT', 'ENOTDIR')) return []
    throw err
  }
}

/** Runs `work` for each name and leaves out undefined results. */
async function collect<T>(names: readonly string[], work: (name: string) => Promise<T | undefined>): Promise<T[]> {
  const found = await Promise.all(names.map(work))
  return found.filter((item) => item !== undefined)
}

async function scanBlob(paths: StorePaths, digest: Digest): Promise<FoundBlob | undefined> {
  const blob = paths.blob(digest)
  const [data, names] = await Promise.all([statOf(blob.data), namesIn(blob.folder)])
  if (data === undefined) {
    await removeFolder(blob.folder)
    return undefined
  }
  for (const name of names) if (name.endsWith('.tmp')) await rm(join(blob.folder, name), { force: true })
  const label = names.includes('label') ? await statOf(blob.sidecar('label')) : undefined
  const { size, changedAtMs: usedAtMs } = data
  return {
    digest,
    volume: paths.folder,
    size,
    usedAtMs,
    pinned: names.includes('pin'),
    verifiedAtMs: label?.changedAtMs,
  }
}

async function scanBlobs(paths: StorePaths): Promise<FoundBlob[]> {
  const found: FoundBlob[] = []
  for (const algorithm of await namesIn(paths.blobs)) {
    for (const prefix of await namesIn(join(paths.blobs, algorithm))) {
      const names = await namesIn(join(paths.blobs, algorithm, prefix))
      const blobs = await collect(names, async (hex) => {
        const digest = digestOfPath(algorithm, hex)
        return digest === undefined ? undefined : scanBlob(paths, digest)
      })
      found.push(...blobs)
    }
  }
  return found
}

/** A partial without meta or data was still being created or had just become a blob: nothing is lost with it. */
async function scanPartial(paths: StorePaths, digest: Digest): Promise<FoundPartial | undefined> {
  const own = paths.partial(digest)
  const [meta, data, map] = await Promise.all([readPartialMeta(own.meta), statOf(own.data), statOf(own.map)])
  if (meta === undefined || data === undefined || map === undefined) {
    await removeFolder(own.folder)
    return undefined
  }
  await rm(`${own.meta}.tmp`, { force: true })
  const log = new PieceLog(meta.map, await readFile(own.map))
  const bytes = log.pieces('written', 'synced').reduce((sum, piece) => sum + meta.map.sizeOf(piece), 0)
  return { digest, volume: paths.folder, map: meta.map, bytes, usedAtMs: map.changedAtMs }
}

async function scanPartials(paths: StorePaths): Promise<FoundPartial[]> {
  return collect(await namesIn(paths.partials), async (name) => {
    const dash = name.indexOf('-')
    const digest = digestOfPath(name.slice(0, dash), name.slice(dash + 1))
    return digest === undefined ? undefined : scanPartial(paths, digest)
  })
}

async function scanUploads(paths: StorePaths): Promise<FoundUpload[]> {
  return collect(await namesIn(paths.uploads), async (id) => {
    const data = isUploadId(id) ? await statOf(paths.upload(id)) : undefined
    return data === undefined ? undefined : { id, volume: paths.folder, size: data.size, usedAtMs: data.changedAtMs }
  })
}

/**
 * Lists the content of the folder, by names and sizes only. Removes half-made files of ours; leaves foreign files
 * alone.
 */
export async function scanFolder(paths: StorePaths): Promise<Inventory> {
  for (const folder of [paths.blobs, paths.partials, paths.uploads]) await makeFolder(folder)
  const [blobs, partials, uploads] = await Promise.all([scanBlobs(paths), scanPartials(paths), scanUploads(paths)])
  return { blobs, partials, uploads }
}
