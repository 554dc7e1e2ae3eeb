import { expect, test } from '@jest/globals'
import { PieceMap } from '../../../../lib/core/index.ts'
import { warmPieces } from '../../../../lib/swarm/torrent/warm-pieces.ts'

const MIB = 1024 * 1024
const map = new PieceMap(8 * MIB)

function setUp(pieces: number) {
  const warm = warmPieces(pieces * MIB)
  const freed: string[] = []
  const has = (key: string, piece: number) =>
    warm.read({ key, map }, { start: piece * MIB + 3, end: piece * MIB + 7 }, Buffer.alloc(4))
  return {
    warm,
    freed,
    has,
    here: (key = 'a') => [0, 1, 2, 3, 4, 5, 6, 7].filter((piece) => has(key, piece)),
    keep: (key: string, piece: number, ahead = true) => {
      const bytes = Buffer.alloc(MIB, piece + 1)
      warm.keep(key, piece, { bytes, free: () => void freed.push(`${key}${piece}`) }, ahead)
    },
  }
}

test('gives the bytes of a piece that is here, and of no other range', () => {
  const { warm, keep } = setUp(4)
  keep('a', 2)
  const into = Buffer.alloc(5)
  expect(warm.read({ key: 'a', map }, { start: 2 * MIB, end: 2 * MIB + 5 }, into)).toBe(true)
  expect(into).toEqual(Buffer.alloc(5, 3))
  expect(warm.read({ key: 'b', map }, { start: 2 * MIB, end: 2 * MIB + 5 }, into)).toBe(false)
  expect(warm.read({ key: 'a', map }, { start: 3 * MIB - 2, end: 3 * MIB + 3 }, into)).toBe(false)
})

test('what lies in front of a reader stays; a newer piece that finds no room is freed', () => {
  const { keep, here, freed } = setUp(2)
  for (const piece of [0, 1, 2]) keep('a', piece)
  expect(here()).toEqual([0, 1])
  expect(freed).toEqual(['a2'])
})

test('what the reader has passed makes room, the oldest first', () => {
  const { warm, keep, here, freed } = setUp(3)
  for (const piece of [0, 1, 2]) keep('a', piece)
  warm.passed('a', 1)
  warm.passed('a', 0)
  expect(here()).toEqual([0, 1, 2])
  keep('a', 3)
  expect(here()).toEqual([0, 2, 3])
  keep('a', 4, false)
  keep('a', 5)
  expect(here()).toEqual([2, 3, 5])
  expect(freed).toEqual(['a1', 'a0', 'a4'])
})

test('when all readers have gone, everything may make room', () => {
  const { warm, keep, here } = setUp(2)
  keep('a', 0)
  keep('b', 1)
  warm.passed('a')
  keep('a', 2)
  keep('a', 3)
  expect([here('a'), here('b')]).toEqual([[2], [1]])
})

test('drops one blob and leaves the others', () => {
  const { warm, keep, here, freed } = setUp(4)
  keep('a', 0)
  keep('a', 1, false)
  keep('b', 0)
  warm.drop('a')
  expect(freed.toSorted()).toEqual(['a0', 'a1'])
  expect([here('a'), here('b')]).toEqual([[], [0]])
})

test('a piece that is here already is freed, and frees nothing else', () => {
  const { keep, here, freed } = setUp(4)
  keep('a', 0)
  keep('a', 0, false)
  expect([here(), freed]).toEqual([[0], ['a0']])
})
