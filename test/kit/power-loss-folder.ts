import { type FileHandle, mkdir, open, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** A folder on a simulated disk that loses everything that was not synced. */
export interface PowerLossFolder extends Disposable {
  /** Makes everything written so far durable, as if the system had synced it. */
  flush(): Promise<void>
  /** Puts into the empty folder `image` what a power loss at this moment would leave. */
  leave(image: string): Promise<void>
}

type Inode = number

/** Watches all syncs of this process below the empty folder: of files for their bytes, of folders for their names. */
export async function powerLossFolder(folder: string): Promise<PowerLossFolder> {
  const root = (await stat(folder)).ino
  const names = new Map<Inode, ReadonlyMap<string, Inode>>()
  const bytes = new Map<Inode, Uint8Array>()
  const folders = new Set<Inode>([root])

  const keep = async (path: string, inode: Inode) => {
    if (!folders.has(inode)) {
      bytes.set(inode, await readFile(path))
      return
    }
    const entries = new Map<string, Inode>()
    for (const name of await readdir(path)) {
      const found = await stat(join(path, name))
      if (found.isDirectory()) folders.add(found.ino)
      entries.set(name, found.ino)
    }
    names.set(inode, entries)
  }

  /** `path` and everything below it, with inode numbers. */
  async function* walk(path: string): AsyncGenerator<readonly [string, Inode]> {
    const found = await stat(path)
    if (found.isDirectory()) folders.add(found.ino)
    yield [path, found.ino]
    if (!found.isDirectory()) return
    for (const name of await readdir(path)) yield* walk(join(path, name))
  }

  const noteSync = async (inode: Inode) => {
    for await (const [path, each] of walk(folder)) if (each === inode) return keep(path, inode)
  }

  const restore = async (path: string, inode: Inode): Promise<void> => {
    if (!folders.has(inode)) return writeFile(path, bytes.get(inode) ?? '')
    await mkdir(path, { recursive: true })
    for (const [name, each] of names.get(inode) ?? []) await restore(join(path, name), each)
  }

  const handle = await open(folder, 'r')
  const prototype = Object.getPrototypeOf(handle) as FileHandle
  await handle.close()
  const sync: (this: FileHandle) => Promise<void> = Reflect.get(prototype, 'sync')
  prototype.sync = async function (this: FileHandle) {
    await sync.call(this)
    await noteSync((await this.stat()).ino)
  }
  return {
    async flush() {
      for await (const [path, inode] of walk(folder)) await keep(path, inode)
    },
    leave: (image) => restore(image, root),
    [Symbol.dispose]() {
      prototype.sync = sync
    },
  }
}
