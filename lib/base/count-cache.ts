import NodeCache from 'node-cache'
import type { Startable } from './lifecycle.ts'

/** A cache bounded by number of entries and by age (node-cache, which uses the wall clock of the process). */
export interface CountCache<V> extends Startable {
  get(key: string): V | undefined
  /** Drops the entry when the cache is full. */
  set(key: string, value: V, ttlMs?: number): void
  delete(key: string): void
}

export interface CountCacheInit {
  readonly maxEntries: number
  readonly ttlMs: number
}

/** Values are kept as they are, never cloned. */
export function countCache<V>(init: CountCacheInit): CountCache<V> {
  const cache = new NodeCache({
    useClones: false,
    maxKeys: init.maxEntries,
    stdTTL: init.ttlMs / 1000,
    checkperiod: 0,
    deleteOnExpire: true,
  })
  const prune = () => {
    for (const key of cache.keys()) cache.get(key)
  }
  return {
    get: (key) => cache.get<V>(key),
    set(key, value, ttlMs = init.ttlMs) {
      if (cache.getStats().keys >= init.maxEntries && !cache.has(key)) prune()
      if (cache.getStats().keys >= init.maxEntries && !cache.has(key)) return
      // node-cache counts a known key a second time when it checks its bound, so the old entry is deleted first.
      cache.del(key)
      cache.set(key, value, ttlMs / 1000)
    },
    delete: (key) => void cache.del(key),
    start: () => Promise.resolve(),
    async stop() {
      cache.flushAll()
      cache.close()
    },
  }
}
