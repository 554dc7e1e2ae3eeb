import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { bothInOrder, OrderedKeys } from '../../../lib/base/index.ts'

/** Few different ones, so that they meet; some in a row, so that blocks fill and empty. */
const keys = fc.integer({ min: 0, max: 4000 }).map((n) => n.toString(16).padStart(4, '0'))
const changes = fc.array(fc.record({ key: keys, run: fc.integer({ min: 1, max: 900 }), add: fc.boolean() }), {
  maxLength: 12,
})
const runOf = (key: string, length: number) =>
  Array.from({ length }, (_, i) => (Number.parseInt(key, 16) + i).toString(16).padStart(4, '0'))

function both(all: readonly { key: string; run: number; add: boolean }[]) {
  const [ordered, plain] = [new OrderedKeys<string>(), new Set<string>()]
  for (const { key, run, add } of all) {
    for (const each of runOf(key, run)) {
      if (add) ordered.add(each)
      else ordered.delete(each)
      if (add) plain.add(each)
      else plain.delete(each)
    }
  }
  return { ordered, plain: [...plain].toSorted() }
}

test('ordered keys are those of a set, in order, from any place on', () => {
  fc.assert(
    fc.property(changes, keys, fc.boolean(), (all, start, behind) => {
      const { ordered, plain } = both(all)
      const wanted = plain.filter((key) => (behind ? key > start : key >= start))
      expect([...ordered.from(start, { behind })]).toEqual(wanted)
    }),
  )
})

test('who reads ordered keys while others come and go gets each that stays once, in order', () => {
  fc.assert(
    fc.property(changes, fc.array(keys, { maxLength: 200 }), (all, moving) => {
      const { ordered, plain } = both(all)
      const moved = new Set(moving)
      const seen: string[] = []
      const rest = [...moved]
      for (const key of ordered.from('')) {
        seen.push(key)
        const next = rest.pop()
        if (next === undefined) continue
        if (plain.includes(next)) ordered.delete(next)
        else ordered.add(next)
      }
      expect(seen).toEqual([...new Set(seen)].toSorted())
      const staying = plain.filter((key) => !moved.has(key))
      expect(seen.filter((key) => !moved.has(key))).toEqual(staying)
    }),
  )
})

test('two sequences in order are one, each text once', () => {
  fc.assert(
    fc.property(fc.uniqueArray(keys), fc.uniqueArray(keys), (a, b) => {
      expect([...bothInOrder(a.toSorted(), b.toSorted())]).toEqual([...new Set([...a, ...b])].toSorted())
    }),
  )
})
