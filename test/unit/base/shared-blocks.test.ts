import { expect, test } from '@jest/globals'
import { sharedBlocks } from '../../../lib/base/index.ts'

test('blocks that come back are used again, and no more shared ones than allowed are ever made', () => {
  const blocks = sharedBlocks({ blockBytes: 16, maxShared: 2 })
  const [first, second, third] = [blocks.take(), blocks.take(), blocks.take()]
  const isShared = (block: Uint8Array) => block.buffer instanceof SharedArrayBuffer
  expect([first, second, third].map(({ length }) => length)).toEqual([16, 16, 16])
  expect([first, second, third].map(isShared)).toEqual([true, true, false])
  for (const block of [third, second, first]) blocks.give(block)
  expect(new Set([blocks.take(), blocks.take()])).toEqual(new Set([first, second]))
  expect(isShared(blocks.take())).toBe(false)
})
