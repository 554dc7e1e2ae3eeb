import { Readable } from 'node:stream'
import { describe, expect, test } from '@jest/globals'
import { MIB, type World, write } from './backend-world.ts'

/** The documented errors of read-only backends. */
export function readOnlyRules(world: World): void {
  describe('a backend that takes no writes', () => {
    const refused = { code: 'BACKEND_READ_ONLY' }

    test('a write is refused and its source destroyed', async () => {
      const key = world.keyOf('k', 'new')
      await expect(write(world.backend, key, 'new')).rejects.toMatchObject(refused)
      const stream = Readable.from([Buffer.from('new')])
      await expect(world.backend.write(key, stream, { size: 3, ifAbsent: true })).rejects.toMatchObject(refused)
      expect(stream.destroyed).toBe(true)
      await world.absent(key)
    })

    test('a delete is refused and the object stays', async () => {
      const key = await world.put('k', 'old')
      await expect(world.backend.delete(key)).rejects.toMatchObject(refused)
      expect(await world.get(key)).toBe('old')
    })
  })
}

/** Backends whose keys are derived from the content: a condition only tells whether the object exists. */
export function contentRules(world: World): void {
  describe('a backend whose keys name their content', () => {
    const refused = { code: 'BACKEND_PRECONDITION_FAILED' }

    test.each([5, 3 * MIB])('%i bytes that the key does not name are refused and leave nothing', async (size) => {
      const key = world.keyOf('k', 'right')
      const writing = world.backend.write(key, Readable.from([Buffer.alloc(size)]), { size })
      await expect(writing).rejects.toMatchObject({ code: 'DIGEST_INVALID' })
      await world.absent(key)
    })

    test('a key that names no content holds nothing that could be read, and is refused', async () => {
      for (const key of ['k', 'index/catalog/a', 'blobs/sha256/ab/cd']) {
        await expect(world.backend.read(key)).rejects.toMatchObject({ code: 'BACKEND_KEY_INVALID' })
        await expect(write(world.backend, key, 'x')).rejects.toMatchObject({ code: 'BACKEND_KEY_INVALID' })
      }
    })

    test('ifAbsent writes once', async () => {
      const key = world.keyOf('k', 'one')
      const options = { size: 3, ifAbsent: true }
      await world.backend.write(key, Buffer.from('one'), options)
      const late = Readable.from([Buffer.from('one')])
      await expect(world.backend.write(key, late, options)).rejects.toMatchObject(refused)
      expect(late.destroyed).toBe(true)
    })

    test('ifMatch holds for the etag that was read, and never where there is nothing', async () => {
      const { backend } = world
      const key = await world.put('k', 'one')
      const found = await world.opened(key)
      found.body.destroy()
      const one = Buffer.from('one')
      await backend.write(key, one, { size: 3, ifMatch: found.etag })
      await expect(backend.write(key, one, { size: 3, ifMatch: 'other' })).rejects.toMatchObject(refused)
      await expect(backend.delete(key, { ifMatch: 'other' })).rejects.toMatchObject(refused)
      await backend.delete(key, { ifMatch: found.etag })
      await expect(backend.write(key, one, { size: 3, ifMatch: found.etag })).rejects.toMatchObject(refused)
      await world.absent(key)
    })
  })
}

export function unlistedRules(world: World): void {
  test('a backend that cannot list says so', async () => {
    await world.put('k', 'x')
    await expect(world.backend.list('')).rejects.toMatchObject({ code: 'UNSUPPORTED' })
  })
}

/** Backends without atomic conditions. */
export function checkedConditionRules(world: World): void {
  test('of concurrent ifAbsent writes at least one wins, and later writes are refused', async () => {
    const attempts = Array.from({ length: 6 }, async (_, writer) => {
      const client = await world.subject.open()
      await client.write('k', Buffer.from(`writer-${writer}`), { size: 8, ifAbsent: true })
      return `writer-${writer}`
    })
    const winners = (await Promise.allSettled(attempts)).flatMap((result) =>
      result.status === 'fulfilled' ? [result.value] : [],
    )
    expect(winners).toContain(await world.get('k'))
    const late = world.backend.write('k', Buffer.from('late'), { size: 4, ifAbsent: true })
    await expect(late).rejects.toMatchObject({ code: 'BACKEND_PRECONDITION_FAILED' })
  })
}

/** Backends that list the keys of a prefix without order and without pages. */
export function unorderedListRules(world: World): void {
  test('a list holds every key of its prefix, and no other', async () => {
    const keys = ['a', 'a-b/x', 'a/b', 'a/b/c', 'ab', 'b/a']
    for (const key of keys) await world.put(key, key)
    for (const prefix of ['', 'a', 'a/', 'ab', 'zz']) {
      const { keys: found, next } = await world.backend.list(prefix)
      expect([...found].sort()).toEqual(keys.filter((key) => key.startsWith(prefix)))
      expect(next).toBeUndefined()
    }
  })
}
