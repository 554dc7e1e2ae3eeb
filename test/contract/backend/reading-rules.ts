import { createHash } from 'node:crypto'
import { buffer } from 'node:stream/consumers'
import { describe, expect, test } from '@jest/globals'
import { get, MIB, randomStream, type World, write } from './backend-world.ts'

/** What every driver promises to readers. */
export function readingRules(world: World): void {
  describe('reading', () => {
    test('an object is read with its size and etag', async () => {
      const key = await world.put('a/b/c', 'hello')
      const found = await world.opened(key)
      expect(found.size).toBe(5)
      expect((await buffer(found.body)).toString()).toBe('hello')
      expect(await world.backend.stat(key)).toEqual({ size: 5, etag: found.etag })
    })

    test('an absent object is undefined, also when its key is a parent or a child of another key', async () => {
      const { keyFor } = world.traits
      await world.put('a/b', 'x')
      const absent = keyFor === undefined ? ['a', 'a/b/c', 'b', 'a/bb'] : [keyFor(Buffer.from('never written'))]
      for (const key of absent) {
        expect(await world.backend.stat(key)).toBeUndefined()
        expect(await world.backend.read(key)).toBeUndefined()
      }
    })

    test('an object of 0 bytes is an object', async () => {
      const key = await world.put('empty', '')
      expect(await world.backend.stat(key)).toMatchObject({ size: 0 })
      expect(await world.get(key)).toBe('')
    })

    test('another client sees an object as soon as it is there', async () => {
      const other = await world.subject.open()
      const key = await world.put('k', 'one')
      expect(await get(other, key)).toBe('one')
    })

    test('20 MB are streamed out unchanged', async () => {
      const source = randomStream(20_000_001)
      const key = await world.put('big', await buffer(source.stream))
      const hash = createHash('sha256')
      for await (const chunk of (await world.opened(key)).body) hash.update(chunk as Uint8Array)
      expect(hash.digest('hex')).toBe(source.sha256())
    })

    test('an abort ends a body that is being read', async () => {
      const key = await world.put('k', Buffer.alloc(8 * MIB))
      const controller = new AbortController()
      const found = await world.opened(key, { signal: controller.signal })
      controller.abort()
      await expect(buffer(found.body)).rejects.toMatchObject({ code: 'ABORTED' })
    })

    test('a read whose signal has fired does nothing', async () => {
      const signal = AbortSignal.abort()
      const key = world.keyOf('k', 'x')
      await expect(world.backend.stat(key, { signal })).rejects.toMatchObject({ code: 'ABORTED' })
      await expect(world.backend.read(key, { signal })).rejects.toMatchObject({ code: 'ABORTED' })
    })

    test.each(['', '/a', 'a/', 'a//b', '.', 'a/..', '../a', 'a/./b', 'a b', 'a%2f', 'a\0', 'é', 'x'.repeat(1025)])(
      'the key %j is refused',
      async (key) => {
        const { backend, traits } = world
        const refused = expect.objectContaining({ code: 'BACKEND_KEY_INVALID' })
        await expect(backend.stat(key)).rejects.toEqual(refused)
        await expect(backend.read(key)).rejects.toEqual(refused)
        if (traits.writes === false) return
        await expect(write(backend, key, 'x')).rejects.toEqual(refused)
        await expect(backend.delete(key)).rejects.toEqual(refused)
      },
    )
  })
}

export function rangeRules(world: World): void {
  describe('ranges', () => {
    test.each([
      [0, 1, '0'],
      [3, 7, '3456'],
      [9, 10, '9'],
      [0, 10, '0123456789'],
      [5, 5, ''],
    ])('bytes %i to %i are read alone', async (start, end, expected) => {
      const found = await world.opened(await world.put('digits', '0123456789'), { range: { start, end } })
      expect(found.size).toBe(10)
      expect((await buffer(found.body)).toString()).toBe(expected)
    })

    test.each([
      [0, 11],
      [10, 11],
      [11, 11],
      [7, 3],
      [-1, 3],
    ])('a range from %i to %i lies outside', async (start, end) => {
      const key = await world.put('digits', '0123456789')
      await expect(world.backend.read(key, { range: { start, end } })).rejects.toMatchObject({
        code: 'RANGE_UNSATISFIABLE',
      })
    })

    test('a range across several chunks is exact', async () => {
      const { stream } = randomStream(3 * MIB + 17)
      const bytes = await buffer(stream)
      const key = await world.put('k', bytes)
      const range = { start: MIB - 5, end: 3 * MIB + 3 }
      const found = await world.opened(key, { range })
      expect((await buffer(found.body)).equals(bytes.subarray(range.start, range.end))).toBe(true)
    })

    test('a reader may leave in the middle', async () => {
      const key = await world.put('k', Buffer.alloc(4 * MIB))
      const found = await world.opened(key)
      for await (const chunk of found.body) {
        expect((chunk as Uint8Array).length).toBeGreaterThan(0)
        break
      }
      const unread = await world.opened(key)
      unread.body.destroy()
      expect(unread.body.destroyed).toBe(true)
    })
  })
}
