import { describe, expect, test } from '@jest/globals'
import { Bitset } from '../../../lib/base/index.ts'

describe('Bitset', () => {
  test('has the bit order of BEP 3: the high bit of byte 0 is piece 0', () => {
    const set = new Bitset(10)
    set.add(0)
    set.add(9)
    expect([...set.toBytes()]).toEqual([0b1000_0000, 0b0100_0000])
  })

  test('drops spare bits of a foreign bitfield', () => {
    const set = Bitset.from(3, Uint8Array.of(0xff))
    expect(set).toMatchObject({ count: 3, complete: true })
    expect([...set.toBytes()]).toEqual([0b1110_0000])
  })

  test('reads a bitfield that is too short as missing bits', () => {
    expect(Bitset.from(16, Uint8Array.of(0xff)).count).toBe(8)
  })

  test.each([-1, 10, 2 ** 32 - 1])('ignores the index %p outside', (index) => {
    const set = new Bitset(10)
    expect([set.add(index), set.has(index), set.count]).toEqual([false, false, 0])
  })

  test('bytes and clones are copies', () => {
    const set = new Bitset(8)
    const bytes = set.toBytes()
    const clone = set.clone()
    set.add(1)
    expect([bytes[0], clone.count]).toEqual([0, 0])
  })

  test('an empty set is complete', () => {
    expect(new Bitset(0)).toMatchObject({ complete: true, count: 0 })
    expect(Bitset.full(9)).toMatchObject({ complete: true, count: 9 })
  })
})

test('two sets meet when they have a member in common, wherever it is', () => {
  const [a, b] = [new Bitset(70), new Bitset(70)]
  for (const index of [0, 33, 69]) {
    a.add(index)
    expect(a.meets(b)).toBe(false)
    b.add(index)
    expect([a.meets(b), b.meets(a)]).toEqual([true, true])
    a.delete(index)
    expect(a.meets(b)).toBe(false)
    b.delete(index)
  }
})
