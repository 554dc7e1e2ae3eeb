import { expect, test } from '@jest/globals'
import { PieceMap } from '../../../../../lib/core/index.ts'
import { pieceOverflow } from '../../../../../lib/swarm/torrent/read/piece-overflow.ts'
import { overflowShares } from '../../../../../lib/swarm/torrent/shared/overflow-shares.ts'

const MIB = 1024 * 1024
const map = new PieceMap(40 * MIB, MIB)
const reader = (next: number) => [{ next, end: next + 16, urgent: false }]
const refused = { bytes: new Uint8Array(1), hash: new Uint8Array(32) }
const nothing = () => undefined

test('keeps what lies in front of a reader and drops what it has passed, and says so', () => {
  const dropped: number[] = []
  const kept = pieceOverflow(map, overflowShares(4 * MIB), (piece) => dropped.push(piece))
  for (const piece of [0, 1, 2, 3]) kept.put(piece, refused, reader(0))
  kept.put(4, refused, reader(2))
  kept.put(5, refused, reader(2))
  expect([0, 1, 2, 3, 4, 5].map((piece) => kept.get(piece) !== undefined)).toEqual([
    false,
    false,
    true,
    true,
    true,
    true,
  ])
  expect(dropped).toEqual([0, 1])
})

test('gives what waits for the disk from the lowest piece on, and keeps what the disk took no longer', () => {
  const kept = pieceOverflow(map, overflowShares(4 * MIB), nothing)
  for (const piece of [3, 1, 2]) kept.put(piece, refused, reader(0))
  expect(kept.first).toEqual({ piece: 1, ...refused })
  kept.relieve(1)
  kept.relieve(9)
  expect([kept.get(1), kept.first?.piece]).toEqual([undefined, 2])
  for (const piece of [2, 3]) kept.relieve(piece)
  expect(kept.first).toBeUndefined()
})

test('gives up what is furthest ahead when everything is wanted', () => {
  const kept = pieceOverflow(map, overflowShares(2 * MIB), nothing)
  for (const piece of [9, 1, 2]) kept.put(piece, refused, reader(1))
  expect(kept.get(9)).toBeUndefined()
})

test.each([
  ['asks only for what is near to a reader', 8 * MIB, 4],
  ['always asks for the next piece, however little room there is', 1, 1],
])('%s, from the first refusal of the disk to the next write that works', (_, maxBytes, reach) => {
  const kept = pieceOverflow(map, overflowShares(maxBytes), nothing)
  expect(kept.reach).toBeUndefined()
  kept.put(0, refused, reader(0))
  expect(kept.reach).toBe(reach)
  kept.relieve(1)
  expect(kept.reach).toBeUndefined()
})

test('of many torrents together keep no more than their bound, though one piece of each', () => {
  const shares = overflowShares(8 * MIB)
  const kept = Array.from({ length: 4 }, () => pieceOverflow(map, shares, nothing))
  const pieces = [0, 1, 2, 3, 4, 5, 6, 7]
  const count = (of: (typeof kept)[0]) => pieces.filter((piece) => of.get(piece) !== undefined).length
  for (const each of kept) for (const piece of pieces) each.put(piece, refused, reader(0))
  expect(kept.map(count)).toEqual([2, 2, 2, 2])
  expect(kept[0]!.get(0)).toBeDefined()
  for (const each of kept.slice(1)) each.close()
  for (const piece of pieces) kept[0]!.put(piece, refused, reader(0))
  expect(kept.map(count)).toEqual([8, 0, 0, 0])
  const crowd = Array.from({ length: 20 }, () => pieceOverflow(map, shares, nothing))
  for (const each of crowd) each.put(0, refused, reader(0))
  expect(new Set(crowd.map(count))).toEqual(new Set([1]))
})
