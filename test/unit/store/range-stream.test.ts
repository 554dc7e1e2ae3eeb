import { buffer } from 'node:stream/consumers'
import { expect, test } from '@jest/globals'
import { byteBudget } from '../../../lib/base/index.ts'
import type { ByteRange } from '../../../lib/core/index.ts'
import { rangeStream } from '../../../lib/store/range-stream.ts'

const KIB = 1024
const MIB = 1024 * KIB

/** Streams over the same bytes, which all use one budget of 4 MiB; `reads` are the lengths that were read. */
function streamLab(size = 10 * MIB) {
  const budget = byteBudget(4 * MIB)
  const content = Buffer.alloc(size, 'shoal reads ahead')
  const reads: number[] = []
  const open = async () => ({
    async read({ start, end }: ByteRange) {
      reads.push(end - start)
      return content.subarray(start, end)
    },
    close: async () => undefined,
  })
  const stream = () => rangeStream(open, { start: 0, end: size }, { budget })
  return { budget, content, reads, stream }
}

/** Lets the stream read as far as it does by itself. */
const settled = async () => {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve))
}

test('a stream that nobody reads holds one slice, and a small one when others hold much', async () => {
  const { budget, reads, stream } = streamLab()
  const streams = Array.from({ length: 100 }, () => stream())
  for (const each of streams) each.once('readable', () => undefined)
  await settled()
  expect(reads.filter((length) => length === MIB)).toHaveLength(4)
  expect(reads.filter((length) => length === 128 * KIB)).toHaveLength(96)
  expect(budget.takenBytes).toBe(4 * MIB)
  for (const each of streams) each.destroy()
  await settled()
  expect(budget.takenBytes).toBe(0)
})

test('a stream that is read gives all bytes in large slices, and small ones at its end', async () => {
  const { budget, content, reads, stream } = streamLab()
  expect(Buffer.compare(await buffer(stream()), content)).toBe(0)
  expect(reads.slice(0, 9)).toEqual(Array.from({ length: 9 }, () => MIB))
  expect(new Set(reads.slice(9))).toEqual(new Set([128 * KIB]))
  expect(budget.takenBytes).toBe(0)
})

test('a stream that is destroyed before it was read keeps nothing', async () => {
  const { budget, stream } = streamLab()
  stream().destroy()
  await settled()
  expect(budget.takenBytes).toBe(0)
})
