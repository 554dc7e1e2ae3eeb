import type { Kept } from './list-all.ts'
import type { Freshness, ObjectChange } from './watched-objects.ts'

/** The objects that a watch knows, and who is told when they change: the only place where they do. */
export interface ObjectTable<T> {
  readonly items: ReadonlyMap<string, T>
  readonly freshness: Freshness
  onChange(listener: (change: ObjectChange<T>) => void): () => void
  /** An object is there like this now; undefined: it is not kept. */
  put(key: string, kept: Kept<T> | undefined): void
  /** These are all that there are. */
  putAll(all: ReadonlyMap<string, Kept<T>>): void
  become(freshness: Freshness): void
}

export function objectTable<T>(): ObjectTable<T> {
  const items = new Map<string, T>()
  const versions = new Map<string, string>()
  const listeners = new Set<(change: ObjectChange<T>) => void>()
  let freshness: Freshness = 'none'

  const tell = (change: ObjectChange<T>) => {
    for (const listener of listeners) listener(change)
  }
  const put = (key: string, kept: Kept<T> | undefined) => {
    const before = items.get(key)
    if (kept === undefined) {
      versions.delete(key)
      if (items.delete(key)) tell({ type: 'removed', key, before: before as T })
      return
    }
    // After a list, most are as they were.
    if (versions.get(key) === kept.version) return
    versions.set(key, kept.version)
    items.set(key, kept.item)
    tell({ type: 'put', key, now: kept.item, before })
  }

  return {
    items,
    get freshness() {
      return freshness
    },
    onChange(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    put,
    putAll(all) {
      for (const [key, kept] of all) put(key, kept)
      for (const key of [...items.keys()]) if (!all.has(key)) put(key, undefined)
    },
    become(next) {
      if (next === freshness) return
      freshness = next
      tell({ type: 'freshness', freshness })
    },
  }
}
