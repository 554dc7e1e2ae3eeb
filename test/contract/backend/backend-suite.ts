import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import type { Backend, ObjectPage, ObjectRead } from '../../../lib/backend/index.ts'
import { appError, codeOf, hasCode } from '../../../lib/base/index.ts'
import { cipherBytes } from '../../kit/cipher-bytes.ts'

/** One empty store and the means to look at it. */
export interface StoreUnderTest {
  /** Another started client of the same store, as another process would have it. */
  open(): Promise<Backend>
  /** Names of what is neither an object nor needed: temporary files, open multipart uploads, locks. */
  leftovers(): Promise<readonly string[]>
  /** Stops every client and removes the store. */
  dispose(): Promise<void>
}

const MIB = 1024 * 1024
const text = (value: string) => Buffer.from(value)
const put = (backend: Backend, key: string, value: string) =>
  backend.write(key, text(value), { size: Buffer.byteLength(value) })

async function get(backend: Backend, key: string): Promise<string | undefined> {
  const found = await backend.read(key)
  return found && (await buffer(found.body)).toString()
}

async function opened(
  backend: Backend,
  key: string,
  options: Parameters<Backend['read']>[1] = {},
): Promise<ObjectRead> {
  const found = await backend.read(key, options)
  if (found === undefined) throw new Error(`there is no object ${key}`)
  return found
}

/** `size` bytes in chunks of 256 KiB, made as they are read, and their digest. */
function randomStream(size: number): { readonly stream: Readable; readonly sha256: () => string } {
  const block = cipherBytes(`block-${size}`, 256 * 1024)
  const hash = createHash('sha256')
  let left = size
  const stream = new Readable({
    read() {
      const chunk = Buffer.from(block.subarray(0, Math.min(left, block.length)))
      chunk.writeUInt32BE(left >>> 0, 0)
      left -= chunk.length
      hash.update(chunk)
      this.push(chunk)
      if (left === 0) this.push(null)
    },
  })
  return { stream, sha256: () => hash.digest('hex') }
}

/** Gives `bytes` of an object and then no more until somebody destroys it. */
function stalledStream(bytes: number): Readable {
  let given = false
  return new Readable({
    read() {
      if (!given) this.push(Buffer.alloc(bytes, 7))
      given = true
    },
  })
}

/** What every driver promises. Nothing in here may depend on how a driver works. */
export function backendSuite(name: string, make: () => Promise<StoreUnderTest>): void {
  describe(`${name} as a backend`, () => {
    let store: StoreUnderTest
    let backend: Backend

    beforeEach(async () => {
      store = await make()
      backend = await store.open()
    })

    afterEach(async () => {
      try {
        expect(await store.leftovers()).toEqual([])
      } finally {
        await store.dispose()
      }
    })

    describe('reading and writing', () => {
      test('what was written is read back with its size and etag', async () => {
        const written = await put(backend, 'a/b/c', 'hello')
        expect(written.size).toBe(5)
        const found = await opened(backend, 'a/b/c')
        expect(found).toMatchObject({ size: 5, etag: written.etag })
        expect((await buffer(found.body)).toString()).toBe('hello')
        expect(await backend.stat('a/b/c')).toEqual(written)
      })

      test('what is not there is undefined, also below and above an object', async () => {
        await put(backend, 'a/b', 'x')
        for (const key of ['a', 'a/b/c', 'b', 'a/bb']) {
          expect(await backend.stat(key)).toBeUndefined()
          expect(await backend.read(key)).toBeUndefined()
        }
      })

      test('a key may be an object and the prefix of others', async () => {
        await put(backend, 'a/b', 'parent')
        await put(backend, 'a/b/c', 'child')
        await put(backend, 'a', 'top')
        expect(await Promise.all(['a', 'a/b', 'a/b/c'].map((key) => get(backend, key)))).toEqual([
          'top',
          'parent',
          'child',
        ])
      })

      test('an object of 0 bytes is an object', async () => {
        await put(backend, 'empty', '')
        expect(await backend.stat('empty')).toMatchObject({ size: 0 })
        expect(await get(backend, 'empty')).toBe('')
      })

      test('a later write replaces the object and changes its etag', async () => {
        const first = await put(backend, 'k', 'one')
        const second = await put(backend, 'k', 'two')
        expect(second.etag).not.toBe(first.etag)
        expect(await get(backend, 'k')).toBe('two')
      })

      test('the same content may be written again', async () => {
        await put(backend, 'k', 'same')
        await put(backend, 'k', 'same')
        expect(await get(backend, 'k')).toBe('same')
      })

      test('another client sees a write as soon as it has returned', async () => {
        const other = await store.open()
        await put(backend, 'k', 'one')
        expect(await get(other, 'k')).toBe('one')
        await put(other, 'k', 'two')
        expect(await get(backend, 'k')).toBe('two')
      })

      test('20 MB are streamed in and out unchanged, also when they replace 20 MB', async () => {
        const before = randomStream(20_000_000)
        const first = await backend.write('big', before.stream, { size: 20_000_000 })
        const source = randomStream(20_000_001)
        const second = await backend.write('big', source.stream, { size: 20_000_001 })
        expect(second.etag).not.toBe(first.etag)
        const hash = createHash('sha256')
        for await (const chunk of (await opened(backend, 'big')).body) hash.update(chunk as Uint8Array)
        expect(hash.digest('hex')).toBe(source.sha256())
      })

      test('a reader who began before a replacement reads the old object to its end', async () => {
        await backend.write('k', Buffer.alloc(3 * MIB, 1), { size: 3 * MIB })
        const old = await opened(backend, 'k')
        await backend.write('k', Buffer.alloc(3 * MIB, 2), { size: 3 * MIB })
        const bytes = await buffer(old.body)
        expect(bytes.length).toBe(3 * MIB)
        expect(new Set([bytes[0], bytes[MIB], bytes.at(-1)])).toEqual(new Set([1]))
      })

      test('long keys and every allowed character are stored and listed', async () => {
        const keys = ['AZaz09._:-/x', `${'r'.repeat(255)}/${'t'.repeat(230)}`, `${'s/'.repeat(511)}ss`].sort()
        for (const key of keys) await put(backend, key, key.slice(0, 9))
        for (const key of keys) expect(await get(backend, key)).toBe(key.slice(0, 9))
        expect(await backend.list('')).toEqual({ keys, next: undefined })
      })

      test.each(['', '/a', 'a/', 'a//b', '.', 'a/..', '../a', 'a/./b', 'a b', 'a%2f', 'a\0', 'é', 'x'.repeat(1025)])(
        'the key %j is refused',
        async (key) => {
          const refused = expect.objectContaining({ code: 'BACKEND_KEY_INVALID' })
          await expect(backend.stat(key)).rejects.toEqual(refused)
          await expect(backend.read(key)).rejects.toEqual(refused)
          await expect(put(backend, key, 'x')).rejects.toEqual(refused)
          await expect(backend.delete(key)).rejects.toEqual(refused)
        },
      )
    })

    describe('ranges', () => {
      test.each([
        [0, 1, '0'],
        [3, 7, '3456'],
        [9, 10, '9'],
        [0, 10, '0123456789'],
        [5, 5, ''],
      ])('bytes %i to %i are read alone', async (start, end, expected) => {
        await put(backend, 'digits', '0123456789')
        const found = await opened(backend, 'digits', { range: { start, end } })
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
        await put(backend, 'digits', '0123456789')
        await expect(backend.read('digits', { range: { start, end } })).rejects.toMatchObject({
          code: 'RANGE_UNSATISFIABLE',
        })
      })

      test('a range across several chunks is exact', async () => {
        const bytes = cipherBytes('range', 3 * MIB + 17)
        await backend.write('k', bytes, { size: bytes.length })
        const range = { start: MIB - 5, end: 3 * MIB + 3 }
        const found = await opened(backend, 'k', { range })
        expect((await buffer(found.body)).equals(bytes.subarray(range.start, range.end))).toBe(true)
      })

      test('a reader may leave in the middle', async () => {
        await backend.write('k', Buffer.alloc(4 * MIB), { size: 4 * MIB })
        const found = await opened(backend, 'k')
        for await (const chunk of found.body) {
          expect((chunk as Uint8Array).length).toBeGreaterThan(0)
          break
        }
        const unread = await opened(backend, 'k')
        unread.body.destroy()
        expect(unread.body.destroyed).toBe(true)
      })
    })

    describe('writes that fail', () => {
      const absent = async (key: string) => {
        expect(await backend.stat(key)).toBeUndefined()
        expect((await backend.list('')).keys).toEqual([])
      }

      test.each([
        ['fewer', 9],
        ['more', 11],
      ])('a source that gives %s bytes than said leaves nothing', async (_, given) => {
        const wrong = { code: 'SIZE_INVALID' }
        await expect(backend.write('k', Buffer.alloc(given), { size: 10 })).rejects.toMatchObject(wrong)
        const stream = Readable.from([Buffer.alloc(4), Buffer.alloc(given - 4)])
        await expect(backend.write('k', stream, { size: 10 })).rejects.toMatchObject(wrong)
        expect(stream.destroyed).toBe(true)
        await absent('k')
      })

      test('a source that fails leaves nothing, and the failure is the caller to see', async () => {
        const stream = stalledStream(MIB)
        const writing = backend.write('k', stream, { size: 2 * MIB })
        stream.destroy(appError('PEER_CLOSED'))
        await expect(writing).rejects.toMatchObject({ code: 'PEER_CLOSED' })
        await absent('k')
      })

      test('an abort ends a write that waits for its source, and leaves nothing', async () => {
        const controller = new AbortController()
        const stream = stalledStream(MIB)
        const writing = backend.write('k', stream, { size: 2 * MIB, signal: controller.signal })
        setImmediate(() => controller.abort())
        await expect(writing).rejects.toMatchObject({ code: 'ABORTED' })
        expect(stream.destroyed).toBe(true)
        await absent('k')
      })

      test('a failed replacement leaves the old object', async () => {
        await put(backend, 'k', 'old')
        await expect(backend.write('k', text('new!'), { size: 3 })).rejects.toMatchObject({ code: 'SIZE_INVALID' })
        expect(await get(backend, 'k')).toBe('old')
      })

      test('a call whose signal has fired does nothing', async () => {
        const signal = AbortSignal.abort()
        const aborted = { code: 'ABORTED' }
        await expect(backend.stat('k', { signal })).rejects.toMatchObject(aborted)
        await expect(backend.read('k', { signal })).rejects.toMatchObject(aborted)
        await expect(backend.list('', { signal })).rejects.toMatchObject(aborted)
        await expect(backend.write('k', text('x'), { size: 1, signal })).rejects.toMatchObject(aborted)
        await expect(backend.delete('k', { signal })).rejects.toMatchObject(aborted)
        await absent('k')
      })

      test('an abort ends a body that is being read', async () => {
        await backend.write('k', Buffer.alloc(8 * MIB), { size: 8 * MIB })
        const controller = new AbortController()
        const found = await opened(backend, 'k', { signal: controller.signal })
        controller.abort()
        await expect(buffer(found.body)).rejects.toMatchObject({ code: 'ABORTED' })
      })
    })

    describe('conditions', () => {
      const refused = { code: 'BACKEND_PRECONDITION_FAILED' }

      test('ifAbsent writes once', async () => {
        await backend.write('k', text('one'), { size: 3, ifAbsent: true })
        const late = Readable.from([text('two')])
        await expect(backend.write('k', late, { size: 3, ifAbsent: true })).rejects.toMatchObject(refused)
        expect(late.destroyed).toBe(true)
        expect(await get(backend, 'k')).toBe('one')
      })

      test('of many concurrent ifAbsent writes, by several clients, exactly one wins', async () => {
        const clients = [backend, await store.open(), await store.open()]
        const attempt = async (writer: number): Promise<string> => {
          const client = clients[writer % 3] ?? backend
          const name = `writer-${writer}`.padEnd(9)
          try {
            await client.write('deep/er/k', text(name), { size: 9, ifAbsent: true })
            return name
          } catch (err) {
            return String(codeOf(err))
          }
        }
        const results = await Promise.all(Array.from({ length: 24 }, (_, writer) => attempt(writer)))
        const winners = results.filter((result) => result !== refused.code)
        expect(winners).toHaveLength(1)
        expect(await get(backend, 'deep/er/k')).toBe(winners[0])
      })

      test('ifMatch writes over the object that was read, and over no other', async () => {
        const first = await put(backend, 'k', 'one')
        const second = await backend.write('k', text('two'), { size: 3, ifMatch: first.etag })
        await expect(backend.write('k', text('bad'), { size: 3, ifMatch: first.etag })).rejects.toMatchObject(refused)
        await expect(backend.write('x', text('bad'), { size: 3, ifMatch: first.etag })).rejects.toMatchObject(refused)
        expect(await backend.stat('k')).toEqual(second)
        expect(await backend.stat('x')).toBeUndefined()
      })

      test('concurrent read-modify-writes by several clients lose no update', async () => {
        const clients = [backend, await store.open(), await store.open()]
        await put(backend, 'counter', '0')
        await Promise.all(clients.flatMap((client) => [increment(client, 5), increment(client, 5)]))
        expect(await get(backend, 'counter')).toBe('30')
      })

      test('a delete with another etag is refused, with the right one it removes', async () => {
        const first = await put(backend, 'k', 'one')
        const second = await put(backend, 'k', 'two')
        await expect(backend.delete('k', { ifMatch: first.etag })).rejects.toMatchObject(refused)
        expect(await get(backend, 'k')).toBe('two')
        await backend.delete('k', { ifMatch: second.etag })
        expect(await backend.stat('k')).toBeUndefined()
      })
    })

    describe('deleting', () => {
      test('removing what is not there is no error', async () => {
        await backend.delete('nothing/here')
        await put(backend, 'k', 'x')
        await backend.delete('k')
        await backend.delete('k')
        expect(await backend.stat('k')).toBeUndefined()
      })

      test('an object goes alone: its neighbours, parents and children stay', async () => {
        for (const key of ['a', 'a/b', 'a/b/c', 'a/d']) await put(backend, key, key)
        await backend.delete('a/b')
        expect((await backend.list('')).keys).toEqual(['a', 'a/b/c', 'a/d'])
        expect(await get(backend, 'a/b/c')).toBe('a/b/c')
      })

      test('writing beside keys that are being removed loses nothing', async () => {
        const other = await store.open()
        const rounds = Array.from({ length: 25 }, (_, i) => `dir/sub/${i}`)
        const remove = async () => {
          for (const key of rounds) {
            await put(other, `${key}x`, 'x')
            await other.delete(`${key}x`)
          }
        }
        const write = async () => {
          for (const key of rounds) {
            await put(backend, key, key)
            expect(await get(backend, key)).toBe(key)
            await backend.delete(key)
          }
        }
        await Promise.all([remove(), write()])
        expect((await backend.list('')).keys).toEqual([])
      })
    })

    describe('listing', () => {
      const keys = ['a', 'a-b', 'a-b/x', 'a.b', 'a/', 'a/b', 'a/b/c', 'a0', 'aB', 'a_b', 'ab', 'ab/c', 'b/a', 'b:a']
        .filter((key) => !key.endsWith('/'))
        .sort()

      const pages = async (prefix: string, limit: number): Promise<readonly ObjectPage[]> => {
        const all: ObjectPage[] = []
        for (let after: string | undefined; ; ) {
          const page = await backend.list(prefix, { limit, ...(after === undefined ? {} : { after }) })
          all.push(page)
          if (page.next === undefined) return all
          after = page.next
        }
      }

      beforeEach(async () => {
        await Promise.all([...keys].reverse().map((key) => put(backend, key, key)))
      })

      test('keys come in ascending byte order', async () => {
        expect(await backend.list('')).toEqual({ keys, next: undefined })
      })

      test.each(['a', 'a/', 'a/b', 'ab', 'b', 'a-', 'zz', 'a/b/c/d'])(
        'only keys that start with %j',
        async (prefix) => {
          expect((await backend.list(prefix)).keys).toEqual(keys.filter((key) => key.startsWith(prefix)))
        },
      )

      test.each([1, 2, 3, 5, 13, 14])('pages of %i hold every key once', async (limit) => {
        const all = await pages('', limit)
        expect(all.flatMap((page) => page.keys)).toEqual(keys)
        expect(all.slice(0, -1).every((page) => page.keys.length === limit)).toBe(true)
      })

      test.each(['a/b', 'a', 'a/a', 'a-b/zz', 'b:a', '0'])('after %j come the keys behind it', async (after) => {
        expect((await backend.list('', { after })).keys).toEqual(keys.filter((key) => key > after))
      })

      test('a prefix and a start go together', async () => {
        expect((await backend.list('a/', { after: 'a/b' })).keys).toEqual(['a/b/c'])
        expect((await backend.list('a', { after: 'b' })).keys).toEqual([])
      })
    })
  })
}

async function increment(backend: Backend, times: number): Promise<void> {
  for (let done = 0; done < times; ) {
    const found = await opened(backend, 'counter')
    const next = String(Number((await buffer(found.body)).toString()) + 1)
    try {
      await backend.write('counter', text(next), { size: next.length, ifMatch: found.etag })
      done += 1
    } catch (err) {
      if (!hasCode(err, 'BACKEND_PRECONDITION_FAILED')) throw err
    }
  }
}
