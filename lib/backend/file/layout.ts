import { createHash } from 'node:crypto'
import { join } from 'node:path'

/** Longer segments are cut. With the marks added, a name stays below the 255 bytes that a file system allows. */
const NAME_BYTES = 200

/** Last character of a file name, so that a key can be an object and also a prefix of other keys. Never in a key. */
const OBJECT_MARK = '@'

/** Last character of the name of a folder that contains the rest of a long segment. Never in a key. */
const CUT_MARK = '+'

/** Mode of folders, less the umask: origins of several users may share the folder. */
export const SHARED_FOLDER = 0o777

/** Where everything of a file backend lies. */
export interface Layout {
  readonly folder: string
  readonly objects: string
  readonly staging: string
  readonly locks: string
  /** The file of an object. */
  object(key: string): string
  /** The folder that contains all keys that start with `base` (which ends in `/`, or is empty). */
  folderOf(base: string): string
  lock(key: string): string
}

/**
 * ```
 * <folder>/
 * ├── objects/<segment>/.../<last segment>@   one file for each object; replaced whole, never changed
 * ├── .staging/<owner>.<random>               files being written; those of dead owners are removed at a start
 * └── .locks/<sha256 of the key>              who is replacing or removing the object at this moment
 * ```
 * A segment of more than 200 bytes is cut into folders `<200 bytes>+/<rest>`.
 */
export function layout(folder: string): Layout {
  const objects = join(folder, 'objects')
  const locks = join(folder, '.locks')
  return {
    folder,
    objects,
    staging: join(folder, '.staging'),
    locks,
    object: (key) => join(objects, key.split('/').map(cut).join('/') + OBJECT_MARK),
    folderOf: (base) => join(objects, base.split('/').map(cut).join('/')),
    lock: (key) => join(locks, createHash('sha256').update(key).digest('hex')),
  }
}

function cut(segment: string): string {
  if (segment.length <= NAME_BYTES) return segment
  return `${segment.slice(0, NAME_BYTES)}${CUT_MARK}/${cut(segment.slice(NAME_BYTES))}`
}

/** What a name in a folder under `objects` is. */
export type EntryKind = 'object' | 'folder' | 'cut'

/** Splits a name into its part of the segment and its kind. */
export function readName(name: string): { readonly text: string; readonly kind: EntryKind } {
  if (name.endsWith(OBJECT_MARK)) return { text: name.slice(0, -1), kind: 'object' }
  if (name.endsWith(CUT_MARK)) return { text: name.slice(0, -1), kind: 'cut' }
  return { text: name, kind: 'folder' }
}
