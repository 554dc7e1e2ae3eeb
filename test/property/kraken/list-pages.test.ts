import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import type { BuildIndex, PageOptions } from '../../../lib/api/index.ts'
import { memoryBackend } from '../../../lib/backend/index.ts'
import { fakeClock, seededRandom } from '../../../lib/base/index.ts'
import { digestOf, parseRepository, parseTag } from '../../../lib/core/index.ts'
import { krakenListRoutes, type NamesOfKraken } from '../../../services/build-index/kraken/list-routes.ts'
import { httpPair } from '../../kit/http-pair.ts'
import { localIndex } from '../../kit/local-index.ts'

interface Answer {
  readonly links: { readonly next: string; readonly self: string }
  readonly size: number
  readonly result: readonly string[]
}

const part = fc.constantFrom('a', 'b', 'ab', 'a-b', 'a0', 'z')
/** Few, so that some have several tags. */
const name = fc.constantFrom('a', 'a-b', 'a/b', 'a/b/z', 'a0', 'ab', 'z')
const tag = fc.constantFrom('1', '1.0', 'A', 'latest', '_x', 'v-1')
const images = fc.uniqueArray(fc.tuple(name, tag), { maxLength: 12, selector: (pair) => pair.join(':') })
const prefix = fc.oneof(fc.constant(''), part, name, fc.constantFrom('a/', 'a-', 'none'))
const descriptor = {
  digest: digestOf(Buffer.from('x')),
  mediaType: 'application/vnd.oci.image.manifest.v1+json',
  size: 1,
}

const byRepository = ([a, s]: readonly [string, string], [b, t]: readonly [string, string]) =>
  Buffer.compare(Buffer.from(a), Buffer.from(b)) || Buffer.compare(Buffer.from(s), Buffer.from(t))

/** Entries of one page of the index: an index may give fewer than it was asked for. */
const short = fc.integer({ min: 1, max: 4 })

function shortPages(index: BuildIndex, most: number): NamesOfKraken {
  const fewer = (options: PageOptions = {}) => ({ ...options, n: Math.min(options.n ?? most, most) })
  return {
    listRepositories: (options) => index.listRepositories(fewer(options)),
    listTags: (repository, options) => index.listTags(repository, fewer(options)),
  }
}

test('the pages of a list have each image once, in the order of the names, whatever the limit and the prefix', async () => {
  await fc.assert(
    fc.asyncProperty(images, prefix, short, fc.integer({ min: 1, max: 5 }), async (all, wanted, most, limit) => {
      const { index } = localIndex({ backend: memoryBackend(), clock: fakeClock(), random: seededRandom(1) })
      for (const [repository, its] of all) {
        await index.putTag(parseRepository(repository), parseTag(its), { descriptor })
      }
      await using pair = await httpPair(krakenListRoutes(shortPages(index, most)))
      const found: string[] = []
      let next = `/list/${wanted}?limit=${limit}`
      while (next !== '') {
        const answer = await pair.client.request({ method: 'GET', url: pair.url(next) })
        const { links, size, result } = (await answer.json(1_000_000)) as Answer
        expect([links.self, size]).toEqual([next, result.length])
        if (links.next !== '') expect(size).toBe(limit)
        found.push(...result)
        next = links.next
      }
      const expected = all.filter(([repository]) => repository.startsWith(wanted)).toSorted(byRepository)
      expect(found).toEqual(expected.map((image) => image.join(':')))
    }),
    { numRuns: 60 },
  )
})
