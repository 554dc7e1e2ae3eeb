import { expect, test } from '@jest/globals'
import { encodeHaves, readHaves } from '../../../../lib/swarm/wire/have-batch.ts'

/** Length, the id of an extended message, and our own id come before the payload. */
const HEAD_BYTES = 6

test.each([0, 126, 127, 128, 129, 16_383, 16_384, 16_385, 2_097_151, 2_097_152])(
  'a list of pieces means the same at the other end, with %i pieces left out between two',
  (gap) => {
    const pieces = [gap, 2 * gap + 1]
    expect(readHaves(encodeHaves(pieces.toReversed()).subarray(HEAD_BYTES))).toEqual(pieces)
  },
)
