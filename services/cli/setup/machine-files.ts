import { chmod, chown, lstat, open, readdir, readFile, realpath, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve, sep } from 'node:path'
import { appError, hasCode, makeFolder, syncFolder } from '../../../lib/base/index.ts'

/** Mode of folders and files that a setup makes, less the umask: every user reads the config of an engine. */
const NEW_FOLDER = 0o755
const NEW_FILE = 0o644

const isMissing = (err: unknown) => hasCode(err, 'ENOENT', 'ENOTDIR')

/** Where a path leads, also when its last parts are missing. */
async function realPlace(path: string): Promise<string> {
  try {
    return await realpath(path)
  } catch (err) {
    if (!isMissing(err) || path === dirname(path)) throw err
    return join(await realPlace(dirname(path)), basename(path))
  }
}

/**
 * The files of a machine below a root: `/`, or the folder of an image that somebody builds. Paths are as the machine will
 * see them, such as `/etc/docker/daemon.json`.
 */
export class MachineFiles {
  readonly #root: string

  constructor(root: string) {
    this.#root = resolve(root)
  }

  /** The text of a file; undefined when it is missing. @throws CONFIG_INVALID when it is no UTF-8 */
  async read(path: string): Promise<string | undefined> {
    const bytes = await this.bytes(path)
    try {
      return bytes === undefined ? undefined : new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    } catch (err) {
      throw appError('CONFIG_INVALID', { message: `${path}: this is no UTF-8 text`, cause: err })
    }
  }

  async bytes(path: string): Promise<Buffer | undefined> {
    return readFile(await this.#place(path)).catch((err: unknown) => {
      if (isMissing(err)) return undefined
      throw err
    })
  }

  /** The names in a folder, sorted as engines read them; none when there is no such folder. */
  async names(folder: string): Promise<readonly string[]> {
    const names = await readdir(await this.#place(folder)).catch((err: unknown) => {
      if (isMissing(err)) return []
      throw err
    })
    return names.toSorted()
  }

  /**
   * Replaces or makes a file, so that readers see the old or the new content. It keeps its mode and its owner. Returns the
   * folders that were made for it, the outermost first.
   */
  async write(path: string, content: Uint8Array): Promise<readonly string[]> {
    const made = await this.#missingFolders(dirname(path))
    const place = await this.#place(path)
    await makeFolder(dirname(place), { mode: NEW_FOLDER })
    const old = await stat(place).catch(() => undefined)
    const draft = `${place}.shoal-draft`
    await rm(draft, { force: true })
    const handle = await open(draft, 'wx', NEW_FILE)
    try {
      await handle.writeFile(content)
      await handle.sync()
    } finally {
      await handle.close()
    }
    if (old !== undefined) {
      await chown(draft, old.uid, old.gid)
      await chmod(draft, old.mode & 0o7777)
    }
    await rename(draft, place)
    await syncFolder(dirname(place))
    return made
  }

  async remove(path: string): Promise<void> {
    const place = await this.#place(path)
    await rm(place, { force: true })
    await syncFolder(dirname(place)).catch((err: unknown) => {
      if (!isMissing(err)) throw err
    })
  }

  /** Where a folder of the machine is for this process. */
  folder(path: string): string {
    return join(this.#root, path)
  }

  async #missingFolders(folder: string): Promise<readonly string[]> {
    const missing: string[] = []
    for (let at = folder; at !== dirname(at); at = dirname(at)) {
      if ((await lstat(join(this.#root, at)).catch(() => undefined)) !== undefined) break
      missing.unshift(at)
    }
    return missing
  }

  /** Where links lead is written, not the link. @throws CONFIG_INVALID when that is outside of the root */
  async #place(path: string): Promise<string> {
    const place = join(this.#root, path)
    const real = await realPlace(place)
    const root = await realPlace(this.#root)
    const inside = real === root || real.startsWith(root.endsWith(sep) ? root : `${root}${sep}`)
    if (inside) return real
    throw appError('CONFIG_INVALID', { message: `${path} is a link to ${real}, which is outside of ${this.#root}` })
  }
}
