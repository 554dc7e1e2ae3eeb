import { LRUCache } from 'lru-cache'

/** A least-recently-used cache, bounded by the total size that its values report. */
export interface ByteCache<V extends object> {
  get(key: string): V | undefined
  /** A value larger than the whole cache is not kept. */
  set(key: string, value: V): void
  delete(key: string): void
  readonly sizeBytes: number
}

export function byteCache<V extends object>(maxBytes: number, sizeOf: (value: V) => number): ByteCache<V> {
  const cache = new LRUCache<string, V>({ maxSize: maxBytes, sizeCalculation: (value) => Math.max(1, sizeOf(value)) })
  return {
    get: (key) => cache.get(key),
    set: (key, value) => void cache.set(key, value),
    delete: (key) => void cache.delete(key),
    get sizeBytes() {
      return cache.calculatedSize
    },
  }
}
