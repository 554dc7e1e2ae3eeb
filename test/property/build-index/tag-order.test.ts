import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { memoryBackend } from '../../../lib/backend/index.ts'
import { fakeClock, seededRandom } from '../../../lib/base/index.ts'
import { type Descriptor, digestOf, parseRepository, parseTag } from '../../../lib/core/index.ts'
import { compareRecords, type TagRecord } from '../../../services/build-index/tag-version.ts'
import { localIndex } from '../../kit/local-index.ts'

const app = parseRepository('team/app')
const tag = parseTag('1.0')

const target = fc
  .record({ text: fc.constantFrom('one', 'two', 'three'), size: fc.constantFrom(3, 4) })
  .map(({ text, size }): Descriptor => ({ digest: digestOf(Buffer.from(text)), mediaType: 'a/b', size }))

/** Few times and clusters, so that equal versions with other content are common. */
const record = fc.record<TagRecord>({
  target: fc.oneof({ weight: 3, arbitrary: target }, { weight: 1, arbitrary: fc.constant(undefined) }),
  version: fc.record({ atMs: fc.integer({ min: 1, max: 4 }), cluster: fc.constantFrom('a', 'b') }),
})

const cluster = () => localIndex({ backend: memoryBackend(), clock: fakeClock(), random: seededRandom(1) }).tags

test('puts and deletes with versions and ties end in the same state, in whatever order they come to a cluster', async () => {
  const changes = fc.array(record, { minLength: 1, maxLength: 8 })
  const orders = changes.chain((all) =>
    fc.record({
      all: fc.constant(all),
      // Each cluster gets every change at least once, and some of them again.
      orders: fc.array(
        fc
          .array(fc.constantFrom(...all), { maxLength: 4 })
          .chain((more) => fc.shuffledSubarray([...all, ...more], { minLength: all.length + more.length })),
        { minLength: 2, maxLength: 4 },
      ),
    }),
  )
  await fc.assert(
    fc.asyncProperty(orders, async ({ all, orders: deliveries }) => {
      const greatest = all.reduce((best, each) => (compareRecords(each, best) > 0 ? each : best))
      for (const delivery of deliveries) {
        const tags = cluster()
        for (const sent of delivery) await tags.take(app, tag, sent)
        expect(await tags.read(app, tag)).toEqual(greatest)
      }
    }),
    { numRuns: 300 },
  )
})

test('two records are equal only when they say the same, and the order of any three fits together', () => {
  fc.assert(
    fc.property(record, record, record, (a, b, c) => {
      expect(Math.sign(compareRecords(a, b))).toBe(-Math.sign(compareRecords(b, a)) + 0)
      if (compareRecords(a, b) === 0) expect(a).toEqual(b)
      if (compareRecords(a, b) <= 0 && compareRecords(b, c) <= 0) expect(compareRecords(a, c)).toBeLessThanOrEqual(0)
    }),
    { numRuns: 2000 },
  )
})
