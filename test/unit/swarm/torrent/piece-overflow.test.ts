import { expect, test } from '@jest/globals'
import { PieceMap } from '../../../../lib/core/index.ts'
import { overflowShares } from '../../../../lib/swarm/torrent/overflow-shares.ts'
import { pieceOverflow } from '../../../../lib/swarm/torrent/piece-overflow.ts'

const MIB = 1024 * 1024
const map = new PieceMap(40 * MIB, MIB)
const reader = (next: number) => [{ next, end: next + 16, urgent: false }]
const bytes = new Uint8Array(1)

test('keeps what lies in front of a reader and drops what it has passed', () => {
  const kept = pieceOverflow(map, overflowShares(4 * MIB))
  for (const piece of [0, 1, 2, 3]) kept.put(piece, bytes, reader(0))
  kept.put(4, bytes, reader(2))
  kept.put(5, bytes, reader(2))
  expect([0, 1, 2, 3, 4, 5].map((piece) => kept.get(piece) !== undefined)).toEqual([
    false,
    false,
    true,
    true,
    true,
    true,
  ])
})

test('gives up what is furthest ahead when everything is wanted', () => {
  const kept = pieceOverflow(map, overflowShares(2 * MIB))
  for (const piece of [9, 1, 2]) kept.put(piece, bytes, reader(1))
  expect(kept.get(9)).toBeUndefined()
})

test('asks only for what is near to a reader', () => {
  const kept = pieceOverflow(map, overflowShares(8 * MIB))
  expect([4, 5, 8, 9].map((piece) => kept.wants(piece, reader(5)))).toEqual([false, true, true, false])
})

test('always asks for the next piece, however little room there is', () => {
  expect(pieceOverflow(map, overflowShares(1)).wants(5, reader(5))).toBe(true)
})

test('is active from the first refusal of the disk to the next write that works', () => {
  const kept = pieceOverflow(map, overflowShares(4 * MIB))
  expect(kept.active).toBe(false)
  kept.put(0, bytes, reader(0))
  expect(kept.active).toBe(true)
  kept.relieve()
  expect(kept.active).toBe(false)
})

test('of many torrents together keep no more than their bound, though one piece of each', () => {
  const shares = overflowShares(8 * MIB)
  const kept = Array.from({ length: 4 }, () => pieceOverflow(map, shares))
  const pieces = [0, 1, 2, 3, 4, 5, 6, 7]
  const count = (of: (typeof kept)[0]) => pieces.filter((piece) => of.get(piece) !== undefined).length
  for (const each of kept) for (const piece of pieces) each.put(piece, bytes, reader(0))
  expect(kept.map(count)).toEqual([2, 2, 2, 2])
  expect(kept[0]!.get(0)).toBeDefined()
  for (const each of kept.slice(1)) each.close()
  for (const piece of pieces) kept[0]!.put(piece, bytes, reader(0))
  expect(kept.map(count)).toEqual([8, 0, 0, 0])
  const crowd = Array.from({ length: 20 }, () => pieceOverflow(map, shares))
  for (const each of crowd) each.put(0, bytes, reader(0))
  expect(new Set(crowd.map(count))).toEqual(new Set([1]))
})
