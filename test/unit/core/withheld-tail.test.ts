import { expect, test } from '@jest/globals'
import { releasedLength } from '../../../lib/core/index.ts'

const KIB = 1024

test.each([
  [0, false, 0],
  [1, false, 0],
  [64 * KIB, false, 0],
  [64 * KIB + 1, false, 1],
  [1024 * KIB, false, 960 * KIB],
  [0, true, 0],
  [1, true, 1],
  [1024 * KIB, true, 1024 * KIB],
])('of %d bytes, verified: %p, %d go out', (length, verified, expected) => {
  expect(releasedLength(length, verified)).toBe(expected)
})
