import { expect, test } from '@jest/globals'
import { PieceMap } from '../../../../../lib/core/index.ts'
import { warmPieces } from '../../../../../lib/swarm/torrent/shared/warm-pieces.ts'

const MIB = 1024 * 1024
const map = new PieceMap(8 * MIB, MIB)

function setUp(pieces: number) {
  const warm = warmPieces(pieces * MIB)
  const freed: string[] = []
  const lend = (key: string, piece: number) => warm.lend({ key, map }, { start: piece * MIB + 3, end: piece * MIB + 7 })
  const has = (key: string, piece: number) => {
    const loan = lend(key, piece)
    loan?.release()
    return loan !== undefined
  }
  return {
    warm,
    freed,
    lend,
    here: (key = 'a') => [0, 1, 2, 3, 4, 5, 6, 7].filter((piece) => has(key, piece)),
    keep: (key: string, piece: number, ahead = true) => {
      const bytes = Buffer.alloc(MIB, piece + 1)
      warm.keep(key, piece, { bytes, heldBytes: MIB, free: () => void freed.push(`${key}${piece}`) }, ahead)
    },
  }
}

test('lends the bytes of a piece that is here, to its end at most, and of no other', () => {
  const { warm, keep } = setUp(4)
  keep('a', 2)
  const range = { start: 2 * MIB, end: 2 * MIB + 5 }
  expect(warm.lend({ key: 'a', map }, range)?.bytes).toEqual(Buffer.alloc(5, 3))
  expect(warm.lend({ key: 'b', map }, range)).toBeUndefined()
  expect(warm.lend({ key: 'a', map }, { start: 3 * MIB - 2, end: 3 * MIB + 3 })?.bytes).toEqual(Buffer.alloc(2, 3))
  expect(warm.lend({ key: 'a', map }, { start: 3 * MIB, end: 3 * MIB + 3 })).toBeUndefined()
})

test('what is lent is freed only when it was given back by all', () => {
  const { warm, keep, lend, here, freed } = setUp(4)
  for (const piece of [0, 1, 2, 3]) keep('a', piece, false)
  const [first, second] = [lend('a', 0), lend('a', 0)]
  keep('a', 4, false)
  expect([here(), freed]).toEqual([[0, 2, 3, 4], ['a1']])
  warm.drop('a')
  first?.release()
  expect([here(), freed]).toEqual([[], ['a1', 'a2', 'a3', 'a4']])
  second?.release()
  expect(freed).toEqual(['a1', 'a2', 'a3', 'a4', 'a0'])
})

test('lends no more than half of what it may hold', () => {
  const { keep, lend } = setUp(4)
  for (const piece of [0, 1, 2]) keep('a', piece)
  const loans = [0, 1, 2].map((piece) => lend('a', piece))
  expect(loans.map((loan) => loan !== undefined)).toEqual([true, true, false])
  expect(lend('a', 1)).toBeDefined()
  loans[0]?.release()
  expect(lend('a', 2)).toBeDefined()
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

test('a short piece counts with all of its memory', () => {
  const { warm, here, freed } = setUp(2)
  for (const piece of [0, 1, 2]) {
    const bytes = Buffer.alloc(10)
    warm.keep('a', piece, { bytes, heldBytes: MIB, free: () => void freed.push(`a${piece}`) }, true)
  }
  expect(here()).toEqual([0, 1])
  expect(freed).toEqual(['a2'])
})

test('spares what all readers have passed, the oldest first, and then what came last', () => {
  const { warm, keep, here, freed } = setUp(5)
  for (const piece of [0, 1, 2, 3, 4]) keep('a', piece, piece > 1)
  expect([warm.spare(), warm.spare(), warm.spare()]).toEqual([true, true, true])
  expect(freed).toEqual(['a0', 'a1', 'a4'])
  expect(here()).toEqual([2, 3])
})

test('spares nothing that is lent', () => {
  const { warm, keep, lend, freed } = setUp(4)
  keep('a', 0, false)
  keep('a', 1)
  const loans = [lend('a', 0), lend('a', 1)]
  expect([warm.spare(), freed]).toEqual([false, []])
  loans[1]?.release()
  expect([warm.spare(), warm.spare(), freed]).toEqual([true, false, ['a1']])
})
