import { describe, expect, test } from '@jest/globals'
import { Bitset, seededRandom } from '../../../../lib/base/index.ts'
import { newPeerId } from '../../../../lib/core/index.ts'
import { shares, suggestions } from '../../../../lib/swarm/picker/index.ts'

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

describe('suggestions of an origin', () => {
  const none = () => new Bitset(PIECES)

  test('go to different askers for different pieces', () => {
    const advice = suggestions(PIECES)
    advice.update(a, none(), undefined)
    advice.update(b, none(), undefined)
    const first = advice.next(a)
    const second = advice.next(b)
    expect(first).toHaveLength(8)
    expect(second).toHaveLength(8)
    expect(first.filter((piece) => second.includes(piece))).toEqual([])
  })

  test('start with the own share of the asker, so that they agree with its own choice', () => {
    const advice = suggestions(PIECES)
    advice.update(a, none(), undefined)
    advice.update(b, none(), undefined)
    const split = shares([a, b], PIECES)
    const owned = Array.from({ length: PIECES }, (_, piece) => piece).filter((piece) => split.ownerOf(piece) === a)
    expect(advice.next(a)).toEqual(owned.slice(0, 8))
  })

  test('avoid what other agents have already', () => {
    const advice = suggestions(4)
    advice.update(a, Bitset.from(4, Uint8Array.of(0b1100_0000)), undefined)
    advice.update(b, new Bitset(4), undefined)
    expect(advice.next(b).slice(0, 2).sort()).toEqual([2, 3])
  })

  test('are renewed as they are fulfilled, and never exceed the bound', () => {
    const advice = suggestions(PIECES)
    const have = none()
    advice.update(a, have, undefined)
    const [piece = -1] = advice.next(a)
    expect(advice.next(a)).toEqual([])
    have.add(piece)
    advice.update(a, have, piece)
    expect(advice.next(a)).toHaveLength(1)
  })

  test('promised to one who left are free again', () => {
    const advice = suggestions(20)
    advice.update(a, new Bitset(20), undefined)
    const promised = advice.next(a)
    expect(promised).toHaveLength(8)
    advice.remove(a)
    advice.update(b, new Bitset(20), undefined)
    expect(advice.next(b)).toEqual(promised)
    expect(advice.next(a)).toEqual([])
  })
})
