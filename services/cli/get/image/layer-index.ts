import { appError } from '../../../../lib/base/index.ts'
import { folderOf, foldersOf, type ImagePath, imagePath, nameOf, within } from './image-path.ts'
import { MAX_ENTRIES } from './limits.ts'

/** `special` is a device, a pipe or a file with holes that this does not read. */
export type EntryKind = 'file' | 'folder' | 'symlink' | 'hardlink' | 'special'

/** What a layer says of one path. */
export interface LayerEntry {
  readonly kind: EntryKind
  /** Bytes of a file. */
  readonly size: number
  /** What a link names: of a hard link a path within the image. */
  readonly target?: string
  /** Which entry of its layer it is: by this number its reader finds it. */
  readonly at: number
}

/** How many entries may still come, in all layers of an image. */
export interface EntryBudget {
  left: number
}

const WHITEOUT = '.wh.'
/** Names of aufs itself, which stand for no file. */
const AUFS = '.wh..wh.'
const OPAQUE = '.wh..wh..opq'

/** No file has this name. */
const NOBODY = '\0'

/** A folder that no entry names, but that something lies in. */
const IMPLIED: LayerEntry = { kind: 'folder', size: 0, at: -1 }

/**
 * The names of one layer: what it adds, and what of the layers below it hides (OCI image spec, "Whiteouts"). Of entries
 * with one name the last counts; a hard link is what its name stood for when it was made.
 */
export class LayerIndex {
  readonly #budget: EntryBudget
  readonly #entries = new Map<ImagePath, LayerEntry>()
  readonly #gone = new Set<ImagePath>()
  readonly #opaque = new Set<ImagePath>()

  constructor(budget: EntryBudget = { left: MAX_ENTRIES }) {
    this.#budget = budget
  }

  /** @throws IMAGE_TOO_LARGE */
  add(path: ImagePath, entry: LayerEntry): void {
    const name = nameOf(path)
    if (name === OPAQUE) this.#note(this.#opaque, folderOf(path))
    else if (name.startsWith(WHITEOUT)) this.#whiteout(folderOf(path), name)
    else if (path !== '') this.#place(path, entry.kind === 'hardlink' ? this.#linked(entry) : entry)
  }

  get(path: ImagePath): LayerEntry | undefined {
    return this.#entries.get(path)
  }

  /** Whether layers below may not show what they have at this path, which this layer itself does not have. */
  hides(path: ImagePath): boolean {
    if (this.#gone.has(path)) return true
    for (const folder of foldersOf(path)) {
      const kind = this.#entries.get(folder)?.kind
      if (this.#opaque.has(folder) || this.#gone.has(folder) || (kind !== undefined && kind !== 'folder')) return true
    }
    return false
  }

  /** Whether nothing of the layers below is seen in this folder. */
  isBottomOf(folder: ImagePath): boolean {
    return this.hides(within(folder, NOBODY))
  }

  /** What lies directly in a folder. */
  *children(folder: ImagePath): Generator<readonly [ImagePath, LayerEntry]> {
    for (const each of this.#entries) if (each[0] !== '' && folderOf(each[0]) === folder) yield each
  }

  #whiteout(folder: ImagePath, name: string): void {
    if (!name.startsWith(AUFS)) this.#note(this.#gone, within(folder, name.slice(WHITEOUT.length)))
  }

  #place(path: ImagePath, entry: LayerEntry): void {
    this.#set(path, entry)
    for (let folder = folderOf(path); folder !== '' && !this.#entries.has(folder); folder = folderOf(folder))
      this.#set(folder, IMPLIED)
  }

  #linked(link: LayerEntry): LayerEntry {
    const target = this.#entries.get(imagePath(link.target ?? ''))
    return target === undefined || target.kind === 'folder' ? link : target
  }

  #set(path: ImagePath, entry: LayerEntry): void {
    if (!this.#entries.has(path)) this.#spend()
    this.#entries.set(path, entry)
  }

  #note(set: Set<ImagePath>, path: ImagePath): void {
    if (!set.has(path)) this.#spend()
    set.add(path)
  }

  #spend(): void {
    this.#budget.left -= 1
    if (this.#budget.left < 0)
      throw appError('IMAGE_TOO_LARGE', { message: `the layers have more than ${MAX_ENTRIES} names` })
  }
}
