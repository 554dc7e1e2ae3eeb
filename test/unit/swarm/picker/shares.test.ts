import { describe, expect, test } from '@jest/globals'
import { seededRandom } from '../../../../lib/base/index.ts'
import { newPeerId } from '../../../../lib/core/index.ts'
import { shares } from '../../../../lib/swarm/picker/index.ts'

const random = seededRandom(7)
const ids = Array.from({ length: 4 }, () => newPeerId(random))
const [a = '', b = '', c = ''] = ids
const PIECES = 400

describe('shares', () => {
  test('are the same whoever works them out', () => {
    const mine = shares([a, b, c], PIECES)
    const theirs = shares([c, a, b], PIECES)
    for (let piece = 0; piece < PIECES; piece += 1) expect(mine.ownerOf(piece)).toBe(theirs.ownerOf(piece))
  })

  test('are about equally large', () => {
    const split = shares(ids, PIECES)
    for (const id of ids) {
      const count = Array.from({ length: PIECES }, (_, piece) => split.ownerOf(piece)).filter(
        (owner) => owner === id,
      ).length
      expect(count).toBeGreaterThan(PIECES / 8)
      expect(count).toBeLessThan(PIECES / 2)
    }
  })

  test('move only to or from the one who came or went', () => {
    const before = shares([a, b, c], PIECES)
    const after = shares([a, b], PIECES)
    for (let piece = 0; piece < PIECES; piece += 1) {
      if (before.ownerOf(piece) !== c) expect(after.ownerOf(piece)).toBe(before.ownerOf(piece))
    }
  })

  test('do not depend on who lists whom first, even when two are drawn alike', () => {
    const twins = [`00${a.slice(2)}`, `ff${a.slice(2)}`]
    expect(shares(twins, 1).ownerOf(0)).toBe(shares(twins.toReversed(), 1).ownerOf(0))
  })

  test('of one alone are everything', () => {
    expect(shares([a], 3).ownerOf(2)).toBe(a)
    expect(shares([], 3).ownerOf(2)).toBeUndefined()
  })
})
