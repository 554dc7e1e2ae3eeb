import { buffer } from 'node:stream/consumers'
import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { type ByteRange, parseRepository, pieceLengthFor, readPriorities } from '../../../lib/core/index.ts'
import { blobKey } from '../../../services/origin/blob-keys.ts'
import { cipherBytes } from '../../kit/cipher-bytes.ts'
import { type OriginLab, originLab } from '../../kit/origin-lab.ts'
import { contentOf, readBlob } from '../../kit/store-fixture.ts'

const PIECE = pieceLengthFor(0)
const size = 11 * PIECE + 4321
const content = contentOf(cipherBytes('right', size), PIECE)
const blob = { digest: content.digest, repository: parseRepository('team/app') }
const ask = { hop: false } as const
const anywhere = fc.integer({ min: 0, max: size - 1 })

const range = fc
  .tuple(anywhere, fc.integer({ min: 1, max: 3 * PIECE }))
  .map(([start, length]): ByteRange => ({ start, end: Math.min(size, start + length) }))

/** Somebody asks, somebody reads a range, a read of the backend breaks, or the origin is killed and comes back. */
const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ want: range, priority: fc.constantFrom(...readPriorities) }) },
  { weight: 3, arbitrary: fc.record({ read: range }) },
  { weight: 1, arbitrary: fc.record({ cut: anywhere }) },
  { weight: 1, arbitrary: fc.record({ kill: fc.nat({ max: 40 }) }) },
)
const world = fc.record({
  unitBytes: fc.constantFrom(undefined, PIECE, 2 * PIECE, 4 * PIECE, 64 * PIECE),
  steps: fc.array(step, { maxLength: 10 }),
})
type World = typeof world extends fc.Arbitrary<infer W> ? W : never

/** Reads of the backend at a time, at most. */
const MOST_READS = 6

/** Runs the steps without waiting for their ends; returns those of the reads that nothing has disturbed. */
async function run(lab: OriginLab, steps: World['steps']) {
  const [origin] = lab.origins
  let reads: Promise<boolean>[] = []
  let kills = 0
  for (const each of steps) {
    if ('want' in each) {
      origin!.ingest.want(blob, [each.want], { ...ask, priority: each.priority }).catch(() => undefined)
    } else if ('read' in each) {
      const { start, end } = each.read
      const read = async () => {
        const opened = await origin!.ingest.open(blob, ask)
        const bytes = await buffer(await opened.read(each.read, { standsAlone: true }))
        return bytes.equals(content.bytes.subarray(start, end))
      }
      const reading = read()
      reading.catch(() => undefined)
      reads.push(reading)
    } else if ('cut' in each) {
      lab.watched.cutAt(each.cut)
    } else {
      for (let turn = 0; turn < each.kill; turn += 1) await new Promise(setImmediate)
      await origin!.kill()
      origin!.restart()
      reads = []
      kills += 1
    }
  }
  return { reads, kills }
}

async function holds({ unitBytes, steps }: World): Promise<void> {
  const lab = originLab({ count: 1, replicas: 1, unitBytes })
  const [origin] = lab.origins
  await origin!.store.start()
  await lab.inner.write(blobKey(content.digest), content.bytes, { size })
  const { reads, kills } = await run(lab, steps)
  const over = Promise.all([origin!.ingest.ensure(blob, ask), ...reads])
  const moment = () => lab.clock.advance(1000).then(() => 'moment' as const)
  // A read that broke before its first byte waits a moment.
  while ((await Promise.race([over, moment()])) === 'moment');
  const [, ...right] = await over
  expect(right.every(Boolean)).toBe(true)
  expect(Buffer.compare(await readBlob(origin!.store, content.digest), content.bytes)).toBe(0)
  expect(await origin!.store.partials()).toEqual([])
  const { least, most } = lab.watched.counts.between(size)
  expect(least).toBe(1)
  const cuts = steps.filter((each) => 'cut' in each).length
  if (kills + cuts === 0) expect(most).toBe(1)
  // What comes again: of each read that a kill has ended two pieces that were not written yet, and what a stream that
  // breaks holds at that moment.
  expect(lab.watched.counts.total).toBeLessThanOrEqual(size + kills * MOST_READS * 2 * PIECE + cuts * PIECE)
}

test('whatever is asked for in whatever order, and whatever breaks, the bytes are right and come once', async () => {
  await fc.assert(fc.asyncProperty(world, holds), { numRuns: 25 })
})
