import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { describe, expect, test } from '@jest/globals'
import { appError } from '../../../lib/base/index.ts'
import { get, MIB, randomStream, stalledStream, type World, write } from './backend-world.ts'

/** Writes, for every backend that is not read-only. */
export function writingRules(world: World): void {
  describe('writing', () => {
    test('a write gives the size and etag that are read later', async () => {
      const key = world.keyOf('a/b/c', 'hello')
      const written = await write(world.backend, key, 'hello')
      expect(written.size).toBe(5)
      expect(await world.backend.stat(key)).toEqual(written)
      const found = await world.opened(key)
      found.body.destroy()
      expect(found).toMatchObject(written)
    })

    test('the same content may be written again', async () => {
      const key = await world.put('k', 'same')
      await write(world.backend, key, 'same')
      expect(await world.get(key)).toBe('same')
    })

    test('concurrent writers of the same content leave it whole', async () => {
      const bytes = await buffer(randomStream(3 * MIB).stream)
      const key = world.keyOf('deep/er/k', bytes)
      const clients = [world.backend, await world.subject.open(), await world.subject.open()]
      await Promise.all(clients.map((client) => client.write(key, Readable.from([bytes]), { size: bytes.length })))
      expect((await buffer((await world.opened(key)).body)).equals(bytes)).toBe(true)
    })

    test('20 MB are streamed in unchanged', async () => {
      const bytes = await buffer(randomStream(20_000_003).stream)
      const key = world.keyOf('big', bytes)
      await world.backend.write(key, randomStream(20_000_003).stream, { size: bytes.length })
      expect((await buffer((await world.opened(key)).body)).equals(bytes)).toBe(true)
    })
  })

  failedWriteRules(world)
  deletingRules(world)
}

function failedWriteRules(world: World): void {
  describe('writes that fail', () => {
    const ten = Buffer.alloc(10)

    test.each([
      ['fewer', 9],
      ['more', 11],
    ])('a source that gives %s bytes than said leaves nothing', async (_, given) => {
      const key = world.keyOf('k', ten)
      const wrong = { code: 'SIZE_INVALID' }
      await expect(world.backend.write(key, Buffer.alloc(given), { size: 10 })).rejects.toMatchObject(wrong)
      const stream = Readable.from([Buffer.alloc(4), Buffer.alloc(given - 4)])
      await expect(world.backend.write(key, stream, { size: 10 })).rejects.toMatchObject(wrong)
      expect(stream.destroyed).toBe(true)
      await world.absent(key)
    })

    test('a source that fails leaves nothing, and the caller gets its failure', async () => {
      const key = world.keyOf('k', ten)
      const stream = stalledStream(MIB)
      const writing = world.backend.write(key, stream, { size: 2 * MIB })
      stream.destroy(appError('PEER_CLOSED'))
      await expect(writing).rejects.toMatchObject({ code: 'PEER_CLOSED' })
      await world.absent(key)
    })

    test('an abort ends a write that waits for its source, and leaves nothing', async () => {
      const key = world.keyOf('k', ten)
      const controller = new AbortController()
      const stream = stalledStream(MIB)
      const writing = world.backend.write(key, stream, { size: 2 * MIB, signal: controller.signal })
      setImmediate(() => controller.abort())
      await expect(writing).rejects.toMatchObject({ code: 'ABORTED' })
      expect(stream.destroyed).toBe(true)
      await world.absent(key)
    })

    test('a write or delete whose signal has fired does nothing', async () => {
      const key = world.keyOf('k', 'x')
      const signal = AbortSignal.abort()
      const writing = world.backend.write(key, Buffer.from('x'), { size: 1, signal })
      await expect(writing).rejects.toMatchObject({ code: 'ABORTED' })
      await world.absent(key)
      await world.put('k', 'x')
      await expect(world.backend.delete(key, { signal })).rejects.toMatchObject({ code: 'ABORTED' })
      expect(await world.get(key)).toBe('x')
    })
  })
}

function deletingRules(world: World): void {
  describe('deleting', () => {
    test('removing an absent object is no error', async () => {
      await world.backend.delete(world.keyOf('nothing/here', 'nothing'))
      const key = await world.put('k', 'x')
      await world.backend.delete(key)
      await world.backend.delete(key)
      expect(await world.backend.stat(key)).toBeUndefined()
    })

    test('a removal takes one object: its neighbours, parents and children stay', async () => {
      const keys: string[] = []
      for (const name of ['a', 'a/b', 'a/b/c', 'a/d']) keys.push(await world.put(name, name))
      await world.backend.delete(world.keyOf('a/b', 'a/b'))
      const left = await Promise.all(keys.map((key) => world.get(key)))
      expect(left).toEqual(['a', undefined, 'a/b/c', 'a/d'])
    })

    const { isolates = true } = world.traits
    const when = isolates ? 'being removed' : 'removed in between'
    test(`writing beside keys that are ${when} loses nothing`, async () => {
      const other = await world.subject.open()
      const rounds = Array.from({ length: 25 }, (_, i) => `dir/sub/${i}`)
      const remove = async () => {
        for (const name of rounds) {
          const key = world.keyOf(`${name}x`, `${name}x`)
          await write(other, key, `${name}x`)
          await other.delete(key)
        }
      }
      const fill = async () => {
        for (const name of rounds) {
          const key = await world.put(name, name)
          expect(await world.get(key)).toBe(name)
          await world.backend.delete(key)
        }
      }
      if (isolates) await Promise.all([remove(), fill()])
      else for (const step of [remove, fill]) await step()
      await world.absent(world.keyOf('dir/sub/0', 'dir/sub/0'))
    })
  })
}

/** Backends in which a write replaces the object of its key. */
export function replacingRules(world: World): void {
  describe('replacing', () => {
    test('a key may be an object and the prefix of others', async () => {
      await world.put('a/b', 'parent')
      await world.put('a/b/c', 'child')
      await world.put('a', 'top')
      expect(await Promise.all(['a', 'a/b', 'a/b/c'].map((key) => world.get(key)))).toEqual(['top', 'parent', 'child'])
    })

    test('a later write replaces the object and changes its etag', async () => {
      const first = await write(world.backend, 'k', 'one')
      const second = await write(world.backend, 'k', 'two')
      expect(second.etag).not.toBe(first.etag)
      expect(await world.get('k')).toBe('two')
    })

    test('another client sees a replacement as soon as it has returned', async () => {
      const other = await world.subject.open()
      await world.put('k', 'one')
      expect(await get(other, 'k')).toBe('one')
      await write(other, 'k', 'two')
      expect(await world.get('k')).toBe('two')
    })

    test('20 MB replace 20 MB', async () => {
      const first = await world.backend.write('big', randomStream(20_000_000).stream, { size: 20_000_000 })
      const source = randomStream(20_000_001)
      const second = await world.backend.write('big', source.stream, { size: 20_000_001 })
      expect(second.etag).not.toBe(first.etag)
      const hash = createHash('sha256')
      for await (const chunk of (await world.opened('big')).body) hash.update(chunk as Uint8Array)
      expect(hash.digest('hex')).toBe(source.sha256())
    })

    const { keepsReplaced = true } = world.traits
    const outcome = keepsReplaced ? 'reads the old object to its end' : 'fails, and never gets a mixture'
    test(`a reader who began before a replacement ${outcome}`, async () => {
      await world.put('k', Buffer.alloc(3 * MIB, 1))
      const old = await world.opened('k')
      await world.put('k', Buffer.alloc(3 * MIB, 2))
      const reading = buffer(old.body)
      if (!keepsReplaced) {
        await expect(reading).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' })
        return
      }
      const bytes = await reading
      expect(bytes.length).toBe(3 * MIB)
      expect(new Set([bytes[0], bytes[MIB], bytes.at(-1)])).toEqual(new Set([1]))
    })

    test('a failed replacement leaves the old object', async () => {
      await world.put('k', 'old')
      const writing = world.backend.write('k', Buffer.from('new!'), { size: 3 })
      await expect(writing).rejects.toMatchObject({ code: 'SIZE_INVALID' })
      expect(await world.get('k')).toBe('old')
    })
  })
}
