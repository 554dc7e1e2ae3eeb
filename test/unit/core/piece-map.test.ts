import { describe, expect, test } from '@jest/globals'
import { PieceMap, pieceLengthFor } from '../../../lib/core/index.ts'

const MIB = 1024 * 1024

describe('pieceLengthFor', () => {
  test.each([
    [0, 256 * 1024],
    [32 * MIB, 256 * 1024],
    [32 * MIB + 1, 512 * 1024],
    [64 * MIB, 512 * 1024],
    [64 * MIB + 1, MIB],
    [1e12, MIB],
  ])('of %p bytes is %p', (length, expected) => {
    expect(pieceLengthFor(length)).toBe(expected)
  })
})

describe('PieceMap', () => {
  test('an empty blob has no pieces', () => {
    const map = new PieceMap(0)
    expect(map.count).toBe(0)
    expect(map.covering({ start: 0, end: 0 })).toEqual({ first: 0, last: -1 })
  })

  test('the last piece is shorter, and full where the length divides', () => {
    expect(new PieceMap(10, 4).rangeOf(2)).toEqual({ start: 8, end: 10 })
    expect(new PieceMap(10, 4).sizeOf(2)).toBe(2)
    expect(new PieceMap(8, 4)).toMatchObject({ count: 2 })
    expect(new PieceMap(8, 4).sizeOf(1)).toBe(4)
  })

  test('a piece behind the end has no bytes', () => {
    expect(new PieceMap(10, 4).sizeOf(3)).toBe(0)
  })

  test.each([
    [{ start: 0, end: 1 }, 0, 0],
    [{ start: 3, end: 4 }, 0, 0],
    [{ start: 3, end: 5 }, 0, 1],
    [{ start: 4, end: 8 }, 1, 1],
    [{ start: 0, end: 10 }, 0, 2],
  ])('%p touches pieces %p to %p', (range, first, last) => {
    expect(new PieceMap(10, 4).covering(range)).toEqual({ first, last })
  })
})
