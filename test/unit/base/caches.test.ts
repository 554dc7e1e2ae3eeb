import { describe, expect, test } from '@jest/globals'
import { byteCache, countCache } from '../../../lib/base/index.ts'

describe('byteCache', () => {
  const cacheOf = (bytes: number) => byteCache<Uint8Array>(bytes, (value) => value.byteLength)

  test('forgets the least recently used when the bytes run out', () => {
    const cache = cacheOf(10)
    cache.set('a', new Uint8Array(4))
    cache.set('b', new Uint8Array(4))
    cache.get('a')
    cache.set('c', new Uint8Array(4))
    expect([cache.get('a')?.byteLength, cache.get('b'), cache.get('c')?.byteLength]).toEqual([4, undefined, 4])
    expect(cache.sizeBytes).toBe(8)
  })

  test('does not keep a value larger than itself, and takes empty ones', () => {
    const cache = cacheOf(10)
    cache.set('big', new Uint8Array(11))
    cache.set('empty', new Uint8Array(0))
    expect(cache.get('big')).toBeUndefined()
    expect(cache.get('empty')?.byteLength).toBe(0)
  })

  test('deletes', () => {
    const cache = cacheOf(10)
    cache.set('a', new Uint8Array(4))
    cache.delete('a')
    expect([cache.get('a'), cache.sizeBytes]).toEqual([undefined, 0])
  })
})

describe('countCache', () => {
  test('keeps the value itself, never a clone', async () => {
    const cache = countCache<object>({ maxEntries: 2, ttlMs: 60_000 })
    const value = { inner: new Map() }
    cache.set('a', value)
    expect(cache.get('a')).toBe(value)
    await cache.stop()
    expect(cache.get('a')).toBeUndefined()
  })

  test('takes no new key when full, but lets a known one change', async () => {
    const cache = countCache<number>({ maxEntries: 2, ttlMs: 60_000 })
    cache.set('a', 1)
    cache.set('b', 2)
    cache.set('c', 3)
    cache.set('a', 4)
    expect([cache.get('a'), cache.get('b'), cache.get('c')]).toEqual([4, 2, undefined])
    cache.delete('b')
    cache.set('c', 3)
    expect(cache.get('c')).toBe(3)
    await cache.stop()
  })
})
