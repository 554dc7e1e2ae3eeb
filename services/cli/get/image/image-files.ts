import { type AbortOptions, appError, throwIfAborted } from '../../../../lib/base/index.ts'
import { folderOf, type ImagePath, imagePath, within } from './image-path.ts'
import type { LayerEntry, LayerIndex } from './layer-index.ts'
import { MAX_LINKS } from './limits.ts'

/** Something of an image. */
export interface Found {
  /** The layer that has it; 0 is the uppermost. */
  readonly layer: number
  readonly entry: LayerEntry
  /** Where it lies, all links followed. */
  readonly path: ImagePath
}

export interface ImageFilesInit {
  /** How many layers there are. */
  readonly layers: number
  /** The names of a layer; 0 is the uppermost. It is asked for a layer only when those above leave it open. */
  readonly index: (layer: number, options: AbortOptions) => Promise<LayerIndex>
}

const unknown = (path: ImagePath) => appError('FILE_UNKNOWN', { message: `the image has no /${path}` })

/** The files of an image: its layers one upon the other, as a container sees them. */
export class ImageFiles {
  readonly #init: ImageFilesInit

  constructor(init: ImageFilesInit) {
    this.#init = init
  }

  /**
   * What lies at a path. Links are followed within the image; `..` of the root is the root.
   * @throws FILE_UNKNOWN, LINK_LOOP, and what reading a layer fails with
   */
  async find(text: string, options: AbortOptions): Promise<Found> {
    const rest = partsOf(text)
    let found: Found = { layer: -1, entry: { kind: 'folder', size: 0, at: -1 }, path: '' }
    let links = 0
    for (let part = rest.shift(); part !== undefined; part = rest.shift()) {
      throwIfAborted(options.signal)
      if (found.entry.kind !== 'folder') throw unknown(within(found.path, part))
      const folder = found.path
      if (part === '..') found = await this.#here(folderOf(folder), options)
      else found = await this.#here(within(folder, part), options)
      if (found.entry.kind !== 'symlink') continue
      links += 1
      if (links > MAX_LINKS) throw appError('LINK_LOOP', { message: `more than ${MAX_LINKS} links lead from /${text}` })
      const target = found.entry.target ?? ''
      rest.unshift(...partsOf(target))
      found = await this.#here(target.startsWith('/') ? '' : folder, options)
    }
    return found
  }

  /** What lies directly in a folder; links are not followed. Of anything else, itself. @throws as `find` */
  async list(text: string, options: AbortOptions): Promise<readonly Found[]> {
    const at = await this.find(text, options)
    if (at.entry.kind !== 'folder') return [at]
    const rows = new Map<ImagePath, Found>()
    const above: LayerIndex[] = []
    for (let layer = 0; layer < this.#init.layers; layer += 1) {
      const index = await this.#init.index(layer, options)
      for (const [path, entry] of index.children(at.path)) {
        if (rows.has(path) || above.some((other) => other.hides(path))) continue
        rows.set(path, { layer, entry, path })
      }
      above.push(index)
      if (index.isBottomOf(at.path)) break
    }
    return [...rows.values()].sort((a, b) => (a.path < b.path ? -1 : 1))
  }

  async #here(path: ImagePath, options: AbortOptions): Promise<Found> {
    if (path === '') return { layer: -1, entry: { kind: 'folder', size: 0, at: -1 }, path }
    let wanted = path
    for (let layer = 0, hops = 0; layer < this.#init.layers; ) {
      const index = await this.#init.index(layer, options)
      const entry = index.get(wanted)
      if (entry?.kind === 'hardlink' && hops < MAX_LINKS) {
        wanted = imagePath(entry.target ?? '')
        hops += 1
        continue
      }
      if (entry !== undefined && entry.kind !== 'hardlink') return { layer, entry, path }
      if (entry !== undefined) throw appError('LINK_LOOP', { message: `hard links lead from /${path} to each other` })
      if (index.hides(wanted)) break
      layer += 1
    }
    throw unknown(path)
  }
}

const partsOf = (path: string) => path.split('/').filter((part) => part !== '' && part !== '.')
