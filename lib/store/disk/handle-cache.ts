import type { FileHandle } from 'node:fs/promises'

interface Entry {
  readonly handle: Promise<FileHandle>
  users: number
  /** True when the last user must close the file. */
  dropped: boolean
}

/** Open files; closes the least recently used one first. At most `maxOpen` files that are not in use stay open. */
export interface HandleCache {
  /** Runs `work` on the file of `key`, which is opened if necessary. The handle stays valid during `work`. */
  use<T>(key: string, open: () => Promise<FileHandle>, work: (handle: FileHandle) => Promise<T>): Promise<T>
  /** The file of `key`, which is opened if necessary; the handle stays valid until `release`. */
  take(key: string, open: () => Promise<FileHandle>): Promise<TakenHandle>
  /** Closes the file after its last user, so that its disk space becomes free. */
  drop(key: string): Promise<void>
  clear(): Promise<void>
}

export interface TakenHandle {
  readonly handle: FileHandle
  /** Call it once. `failed`: the file is opened anew for the next one. */
  readonly release: (failed?: boolean) => Promise<void>
}

export function handleCache(maxOpen: number): HandleCache {
  const entries = new Map<string, Entry>()

  const close = async (entry: Entry) => {
    const handle = await entry.handle.catch(() => undefined)
    await handle?.close()
  }

  const drop = async (key: string) => {
    const entry = entries.get(key)
    if (entry === undefined) return
    entries.delete(key)
    entry.dropped = true
    if (entry.users === 0) await close(entry)
  }

  const shrink = async () => {
    for (const [key, entry] of entries) {
      if (entries.size <= maxOpen) return
      if (entry.users === 0) await drop(key)
    }
  }

  const take: HandleCache['take'] = async (key, open) => {
    const entry = entries.get(key) ?? { handle: open(), users: 0, dropped: false }
    entries.delete(key)
    entries.set(key, entry)
    entry.users += 1
    const release = async (failed = false) => {
      if (failed) {
        if (entries.get(key) === entry) entries.delete(key)
        entry.dropped = true
      }
      entry.users -= 1
      if (entry.dropped && entry.users === 0) await close(entry)
      else if (entries.size > maxOpen) await shrink()
    }
    try {
      return { handle: await entry.handle, release }
    } catch (err) {
      // A failed open must not be cached.
      await release(true)
      throw err
    }
  }

  return {
    async use(key, open, work) {
      const { handle, release } = await take(key, open)
      let failed = true
      try {
        const result = await work(handle)
        failed = false
        return result
      } finally {
        // After a failed read, a new handle costs little.
        await release(failed)
      }
    },
    take,
    drop,
    async clear() {
      for (const key of [...entries.keys()]) await drop(key)
    },
  }
}
