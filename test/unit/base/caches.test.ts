import { describe, expect, jest, test } from '@jest/globals'
import { byteCache, countCache, fakeClock } from '../../../lib/base/index.ts'

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
  test('keeps the value itself, never a clone', () => {
    const cache = countCache<object>(fakeClock(), { maxEntries: 2 })
    const value = { inner: new Map() }
    cache.set('a', value)
    expect(cache.get('a')).toBe(value)
    cache.delete('a')
    expect(cache.get('a')).toBeUndefined()
  })

  test('keeps it for its time by the clock it was given, and anew when it is set again', async () => {
    const clock = fakeClock()
    const cache = countCache<number>(clock, { maxEntries: 2, ttlMs: 1_000 })
    cache.set('a', 1)
    cache.set('b', 2)
    await clock.advance(999)
    cache.set('a', 3)
    expect([cache.get('a'), cache.get('b')]).toEqual([3, 2])
    await clock.advance(1)
    expect([cache.get('a'), cache.get('b')]).toEqual([3, undefined])
    await clock.advance(999)
    expect(cache.get('a')).toBeUndefined()
  })

  test('without a time keeps it until it makes room', async () => {
    const clock = fakeClock()
    const cache = countCache<number>(clock, { maxEntries: 1 })
    cache.set('a', 1)
    await clock.advance(1e12)
    expect(cache.get('a')).toBe(1)
    cache.set('b', 2)
    expect(cache.get('a')).toBeUndefined()
  })

  test('when it is full, the key that was set longest ago makes room, whatever was read since', () => {
    const cache = countCache<number>(fakeClock(), { maxEntries: 2, ttlMs: 60_000 })
    cache.set('a', 1)
    cache.set('b', 2)
    cache.set('a', 3)
    expect(cache.get('b')).toBe(2)
    cache.set('c', 4)
    expect([cache.get('a'), cache.get('b'), cache.get('c')]).toEqual([3, undefined, 4])
  })

  test('sets no timer, so that nothing has to be stopped', () => {
    const setTimer = jest.spyOn(globalThis, 'setTimeout')
    const clock = fakeClock()
    countCache<number>(clock, { maxEntries: 2, ttlMs: 1_000 }).set('a', 1)
    expect([clock.pending, setTimer.mock.calls.length]).toEqual([0, 0])
    setTimer.mockRestore()
  })
})
