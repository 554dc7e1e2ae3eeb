import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { CopyOrder } from '../../../lib/swarm/picker/copy-order.ts'

const PIECES = 12
const step = fc.record({
  piece: fc.nat(PIECES - 1),
  copies: fc.nat(5),
  kind: fc.constantFrom('toggle', 'more', 'less'),
})

test('each number of copies has exactly its pieces, whatever came before', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const order = new CopyOrder(PIECES)
      const copies = new Map<number, number>()
      for (const { piece, kind, copies: fresh } of steps) {
        const known = copies.get(piece)
        if (known === undefined) {
          order.add(piece, fresh)
          copies.set(piece, fresh)
        } else if (kind === 'toggle') {
          order.delete(piece, known)
          copies.delete(piece)
        } else if (kind === 'more' || known > 0) {
          const by = kind === 'more' ? 1 : -1
          order.move(piece, known, by)
          copies.set(piece, known + by)
        }
        for (let each = 0; each <= order.most; each += 1) {
          const places = Array.from(
            { length: order.start(each + 1) - order.start(each) },
            (_, at) => order.start(each) + at,
          )
          const expected = [...copies].filter(([, count]) => count === each).map(([it]) => it)
          expect(places.map((place) => order.at(place)).toSorted()).toEqual(expected.toSorted())
        }
        expect(Math.max(0, ...copies.values())).toBeLessThanOrEqual(order.most)
      }
    }),
  )
})
