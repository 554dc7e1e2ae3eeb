import { type FileHandle, link, open, rename, stat, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'
import { type AbortOptions, appError, hasCode, makeFolder } from '../../base/index.ts'
import type { ByteRange } from '../../core/index.ts'
import type { ObjectPage, ObjectRead, ObjectStat } from '../backend.ts'
import { firstPage } from '../object-page.ts'
import { rangeWithin } from '../object-range.ts'
import type { Hold } from './file-lock.ts'
import { type Layout, SHARED_FOLDER } from './layout.ts'
import { objectBody } from './object-body.ts'
import { orderedWalk, type WalkInit } from './ordered-walk.ts'
import { statObject } from './staged-file.ts'

/** How often a write retries when its folder is pruned; each pruning follows the removal of a neighbouring object. */
const MAX_PRUNED = 100

interface ReadOptions extends AbortOptions {
  readonly range?: ByteRange
}

/** A missing file means a missing object only while the objects folder exists. @throws ENOENT otherwise */
async function assertMounted(files: Layout): Promise<void> {
  await stat(files.objects)
}

async function openObject(files: Layout, key: string): Promise<FileHandle | undefined> {
  try {
    return await open(files.object(key), 'r')
  } catch (err) {
    if (!hasCode(err, 'ENOENT')) throw err
    await assertMounted(files)
    return undefined
  }
}

/** Undefined when there is no such object. */
export async function statAt(files: Layout, key: string): Promise<ObjectStat | undefined> {
  const handle = await openObject(files, key)
  if (handle === undefined) return undefined
  try {
    return await statObject(handle)
  } finally {
    await handle.close()
  }
}

/** The body owns the open file. Undefined when there is no such object. @throws RANGE_UNSATISFIABLE */
export async function readAt(files: Layout, key: string, options: ReadOptions): Promise<ObjectRead | undefined> {
  const handle = await openObject(files, key)
  if (handle === undefined) return undefined
  try {
    const found = await statObject(handle)
    return { ...found, body: objectBody(handle, rangeWithin(options.range, found.size), options) }
  } catch (err) {
    await handle.close()
    throw err
  }
}

/** One page of keys. */
export async function listObjects(files: Layout, init: WalkInit, limit: number | undefined): Promise<ObjectPage> {
  const base = init.prefix.slice(0, init.prefix.lastIndexOf('/') + 1)
  const page = await firstPage(orderedWalk(files.folderOf(base), base, init), limit)
  if (page.keys.length === 0) await assertMounted(files)
  return page
}

interface Condition {
  readonly ifAbsent?: boolean
  readonly ifMatch?: string
}

/** @throws BACKEND_PRECONDITION_FAILED when the object does not meet the condition */
export async function checkCondition(files: Layout, key: string, { ifAbsent, ifMatch }: Condition): Promise<void> {
  if (ifAbsent !== true && ifMatch === undefined) return
  const found = await statAt(files, key)
  if (ifAbsent === true ? found !== undefined : found?.etag !== ifMatch) throw appError('BACKEND_PRECONDITION_FAILED')
}

/** Moves a staged file to its place unless an object is there. @throws BACKEND_PRECONDITION_FAILED */
export async function linkNew(files: Layout, key: string, path: string): Promise<void> {
  try {
    await intoFolder(files, key, () => link(path, files.object(key)))
  } catch (err) {
    throw hasCode(err, 'EEXIST') ? appError('BACKEND_PRECONDITION_FAILED') : err
  }
}

interface Held extends AbortOptions {
  readonly hold: Hold
  readonly ifMatch?: string
}

/** Moves a staged file to its place; call it under the lock. @throws BACKEND_PRECONDITION_FAILED */
export async function replace(
  files: Layout,
  key: string,
  { path, hold, ifMatch }: Held & { path: string },
): Promise<void> {
  await checkCondition(files, key, ifMatch === undefined ? {} : { ifMatch })
  hold.check()
  await intoFolder(files, key, () => rename(path, files.object(key)))
}

/** Call it under the lock. @throws BACKEND_PRECONDITION_FAILED */
export async function remove(files: Layout, key: string, { hold, ifMatch }: Held): Promise<void> {
  const found = await statAt(files, key)
  if (found === undefined) return
  if (ifMatch !== undefined && ifMatch !== found.etag) throw appError('BACKEND_PRECONDITION_FAILED')
  hold.check()
  await unlink(files.object(key))
}

/** Repeats `step` when another process has pruned the folder that it needs. */
async function intoFolder(files: Layout, key: string, step: () => Promise<void>): Promise<void> {
  const folder = dirname(files.object(key))
  for (let attempt = 0; ; attempt += 1) {
    try {
      await step()
      return
    } catch (err) {
      if (!hasCode(err, 'ENOENT') || attempt === MAX_PRUNED) throw err
      await makeFolder(folder, { root: files.objects, mode: SHARED_FOLDER })
    }
  }
}
