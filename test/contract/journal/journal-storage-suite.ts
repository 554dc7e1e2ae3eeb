import { describe, expect, test } from '@jest/globals'
import type { JournalStorage } from '../../../lib/journal/index.ts'

export interface JournalStorageWorld {
  /** Not started yet. */
  readonly storage: JournalStorage
  dispose(): Promise<void>
}

const bytes = (text: string) => Buffer.from(text)
const put = (key: string, text: string) => ({ key, value: bytes(text) })
const remove = (key: string) => ({ key, value: undefined })
const synced = { sync: true }
const unsynced = { sync: false }

async function contentOf(storage: JournalStorage): Promise<readonly string[]> {
  const found: string[] = []
  for await (const { key, value } of storage.records()) found.push(`${key}=${Buffer.from(value).toString()}`)
  return found
}

/** What every storage of a journal must do. */
export function journalStorageSuite(name: string, makeWorld: () => Promise<JournalStorageWorld>): void {
  describe(`a journal's storage ${name}`, () => {
    const inWorld = (work: (storage: JournalStorage) => Promise<void>) => async () => {
      const world = await makeWorld()
      try {
        await world.storage.start()
        await work(world.storage)
      } finally {
        await world.storage.stop()
        await world.dispose()
      }
    }

    test(
      'begins empty and gives what was put, in the order of the keys',
      inWorld(async (storage) => {
        expect(await contentOf(storage)).toEqual([])
        await storage.write([put('b', '2'), put('c', '3')], synced)
        await storage.write([put('a', '1')], unsynced)
        expect(await contentOf(storage)).toEqual(['a=1', 'b=2', 'c=3'])
      }),
    )

    test(
      'applies the changes of one write in order, and ignores the removal of an absent key',
      inWorld(async (storage) => {
        await storage.write([put('a', '1'), put('a', '2'), remove('b'), put('c', ''), remove('c')], synced)
        expect(await contentOf(storage)).toEqual(['a=2'])
        await storage.write([remove('a')], unsynced)
        expect(await contentOf(storage)).toEqual([])
      }),
    )

    test.each([synced, unsynced])('holds everything after an orderly stop and a new start, with %j', (options) =>
      inWorld(async (storage) => {
        await storage.write([put('a', '1'), put('b', '2')], options)
        await storage.write([remove('a')], options)
        await storage.stop()
        await storage.stop()
        await storage.start()
        await storage.start()
        expect(await contentOf(storage)).toEqual(['b=2'])
      })(),
    )

    test(
      'lists the records as they were when the listing began',
      inWorld(async (storage) => {
        await storage.write([put('a', '1'), put('b', '2')], synced)
        const seen: string[] = []
        for await (const { key } of storage.records()) {
          seen.push(key)
          await storage.write([remove('b'), put('c', '3')], unsynced)
        }
        expect(seen).toEqual(['a', 'b'])
        expect(await contentOf(storage)).toEqual(['a=1', 'c=3'])
      }),
    )

    test(
      'takes many writes at one time',
      inWorld(async (storage) => {
        const keys = Array.from({ length: 64 }, (_, i) => `key-${String(i).padStart(2, '0')}`)
        await Promise.all(keys.map((key, i) => storage.write([put(key, String(i))], { sync: i % 2 === 0 })))
        expect(await contentOf(storage)).toEqual(keys.map((key, i) => `${key}=${i}`))
      }),
    )

    test(
      'keeps bytes of any kind, and its own copy of them',
      inWorld(async (storage) => {
        const value = Uint8Array.from({ length: 256 }, (_, i) => i)
        await storage.write([{ key: 'bytes', value }], synced)
        value.fill(0)
        for await (const record of storage.records()) {
          expect([...record.value]).toEqual(Array.from({ length: 256 }, (_, i) => i))
        }
      }),
    )

    test(
      'refuses to be used while it is stopped',
      inWorld(async (storage) => {
        await storage.stop()
        await expect(storage.write([put('a', '1')], synced)).rejects.toMatchObject({ code: 'JOURNAL_UNAVAILABLE' })
        await expect(contentOf(storage)).rejects.toMatchObject({ code: 'JOURNAL_UNAVAILABLE' })
      }),
    )
  })
}
