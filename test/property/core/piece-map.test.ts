import { describe, test } from '@jest/globals'
import fc from 'fast-check'
import { PieceMap, pieceLengthFor } from '../../../lib/core/index.ts'

const maps = fc
  .tuple(fc.integer({ min: 1, max: 5000 }), fc.integer({ min: 1, max: 300 }))
  .map(([length, pieceLength]) => new PieceMap(length, pieceLength))

describe('PieceMap', () => {
  test('the pieces lie end to end and are the whole blob', () => {
    fc.assert(
      fc.property(maps, (map) => {
        let at = 0
        for (let piece = 0; piece < map.count; piece += 1) {
          const { start, end } = map.rangeOf(piece)
          if (start !== at || end <= start || end - start !== map.sizeOf(piece)) return false
          at = end
        }
        return at === map.length
      }),
    )
  })

  test('covering names exactly the pieces that share a byte with the range', () => {
    fc.assert(
      fc.property(maps, fc.nat(5000), fc.nat(5000), (map, a, b) => {
        const range = { start: Math.min(a, b) % map.length, end: 0 }
        range.end = Math.min(map.length, range.start + Math.abs(a - b))
        const { first, last } = map.covering(range)
        for (let piece = 0; piece < map.count; piece += 1) {
          const { start, end } = map.rangeOf(piece)
          const touches = Math.max(start, range.start) < Math.min(end, range.end)
          if (touches !== (piece >= first && piece <= last)) return false
        }
        return true
      }),
    )
  })

  test('the piece length of a blob is a power of two within its bounds and never shrinks as blobs grow', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.maxSafeNat(), (a, b) => {
        const [small, large] = [pieceLengthFor(Math.min(a, b)), pieceLengthFor(Math.max(a, b))]
        const sane = (size: number) => Number.isInteger(Math.log2(size)) && size >= 2 ** 18 && size <= 2 ** 20
        return sane(small) && sane(large) && small <= large
      }),
    )
  })
})
