import NodeCache from 'node-cache'
import type { Clock } from './clock.ts'

/** A cache bounded by its number of entries and by their age. Values are kept as they are, never cloned. */
export interface CountCache<V> {
  /** Undefined when the key was never set, was deleted, is too old, or has made room. */
  get(key: string): V | undefined
  /** Keeps the value for the whole time again. When the cache is full, the key that was set longest ago makes room. */
  set(key: string, value: V): void
  delete(key: string): void
}

export interface CountCacheInit {
  /** At least 1. */
  readonly maxEntries: number
  /** Milliseconds that a value is kept; undefined keeps it until it makes room. */
  readonly ttlMs?: number
}

interface Entry<V> {
  readonly value: V
  /** On the monotonic clock. */
  readonly untilMs: number
}

/**
 * Over node-cache. Its own ages follow the wall clock of the process, so they are not used: each entry carries its end
 * on the injected clock. So it needs no timer, and nothing has to be stopped.
 */
export function countCache<V>(clock: Pick<Clock, 'monotonicMs'>, init: CountCacheInit): CountCache<V> {
  const { maxEntries, ttlMs = Number.POSITIVE_INFINITY } = init
  const cache = new NodeCache({ useClones: false, maxKeys: maxEntries, stdTTL: 0, checkperiod: 0 })
  /** By the time of `set`, oldest first. */
  const order = new Set<string>()

  const remove = (name: string) => {
    cache.del(name)
    order.delete(name)
  }
  return {
    get(key) {
      const name = nameOf(key)
      const entry = cache.get<Entry<V>>(name)
      if (entry === undefined || clock.monotonicMs() < entry.untilMs) return entry?.value
      remove(name)
      return undefined
    },
    set(key, value) {
      const name = nameOf(key)
      remove(name)
      // node-cache throws when it is full.
      for (const oldest of order) {
        if (order.size < maxEntries) break
        remove(oldest)
      }
      cache.set<Entry<V>>(name, { value, untilMs: clock.monotonicMs() + ttlMs })
      order.add(name)
    },
    delete: (key) => remove(nameOf(key)),
  }
}

/** node-cache keeps its keys as properties of an object: `constructor` and `__proto__` must be keys like all others. */
function nameOf(key: string): string {
  return `:${key}`
}
