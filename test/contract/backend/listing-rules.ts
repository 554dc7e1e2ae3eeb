import { beforeEach, describe, expect, test } from '@jest/globals'
import type { ObjectPage } from '../../../lib/backend/index.ts'
import type { World } from './backend-world.ts'

const keys = ['a', 'a-b', 'a-b/x', 'a.b', 'a/b', 'a/b/c', 'a0', 'aB', 'a_b', 'ab', 'ab/c', 'b/a', 'b:a'].sort()

export function listingRules(world: World): void {
  describe('listing', () => {
    const pages = async (prefix: string, limit: number): Promise<readonly ObjectPage[]> => {
      const all: ObjectPage[] = []
      for (let after: string | undefined; ; ) {
        const page = await world.backend.list(prefix, { limit, ...(after === undefined ? {} : { after }) })
        all.push(page)
        if (page.next === undefined) return all
        after = page.next
      }
    }

    describe('of some objects', () => {
      beforeEach(async () => {
        await Promise.all([...keys].reverse().map((key) => world.put(key, key)))
      })

      test('keys come in ascending byte order', async () => {
        expect(await world.backend.list('')).toEqual({ keys, next: undefined })
      })

      test.each(['a', 'a/', 'a/b', 'ab', 'b', 'a-', 'zz', 'a/b/c/d'])(
        'only keys that start with %j',
        async (prefix) => {
          expect((await world.backend.list(prefix)).keys).toEqual(keys.filter((key) => key.startsWith(prefix)))
        },
      )

      test.each([1, 2, 3, 5, 13, 14])('pages of %i hold every key once', async (limit) => {
        const all = await pages('', limit)
        expect(all.flatMap((page) => page.keys)).toEqual(keys)
        expect(all.slice(0, -1).every((page) => page.keys.length === limit)).toBe(true)
      })

      test.each(['a/b', 'a', 'a/a', 'a-b/zz', 'b:a', '0'])('after %j come the keys behind it', async (after) => {
        expect((await world.backend.list('', { after })).keys).toEqual(keys.filter((key) => key > after))
      })

      test('a prefix and a start go together', async () => {
        expect((await world.backend.list('a/', { after: 'a/b' })).keys).toEqual(['a/b/c'])
        expect((await world.backend.list('a', { after: 'b' })).keys).toEqual([])
      })
    })

    test('long keys and every allowed character are stored and listed', async () => {
      const long = ['AZaz09._:-/x', `${'r'.repeat(255)}/${'t'.repeat(230)}`, `${'s/'.repeat(511)}ss`].sort()
      for (const key of long) await world.put(key, key.slice(0, 9))
      for (const key of long) expect(await world.get(key)).toBe(key.slice(0, 9))
      expect(await world.backend.list('')).toEqual({ keys: long, next: undefined })
    })

    test('a call whose signal has fired does nothing', async () => {
      await expect(world.backend.list('', { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ABORTED' })
    })
  })
}
