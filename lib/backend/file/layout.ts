import { createHash } from 'node:crypto'
import { join } from 'node:path'

/** Segments longer than this are cut; with the marks behind, a name stays under the 255 bytes of a file system. */
const NAME_BYTES = 200

/** Ends the name of a file, so that a key may be an object and the prefix of others. No key holds this character. */
const OBJECT_MARK = '@'

/** Ends the name of a folder that holds the rest of a long segment. No key holds this character. */
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
  /** The folder below which every key lies that starts with `base` (which ends in `/`, or is empty). */
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

/** What one name in a folder under `objects` stands for. */
export type EntryKind = 'object' | 'folder' | 'cut'

/** Splits a name into its part of the segment and its kind. */
export function readName(name: string): { readonly text: string; readonly kind: EntryKind } {
  if (name.endsWith(OBJECT_MARK)) return { text: name.slice(0, -1), kind: 'object' }
  if (name.endsWith(CUT_MARK)) return { text: name.slice(0, -1), kind: 'cut' }
  return { text: name, kind: 'folder' }
}
