import { expect, test } from '@jest/globals'
import { diffOf } from '../../../../services/manager/settings/diff.ts'

test('two versions differ by what was added, removed and changed', () => {
  const from = { same: [1, { a: 1 }], gone: 1, other: { a: 1, b: 2 } }
  const to = { same: [1, { a: 1 }], other: { b: 2 }, come: null }
  expect(diffOf(from, to)).toEqual([
    { key: 'come', change: 'added', to: null },
    { key: 'gone', change: 'removed', from: 1 },
    { key: 'other', change: 'changed', from: { a: 1, b: 2 }, to: { b: 2 } },
  ])
})

test('the order of keys is no difference', () => {
  expect(diffOf({ a: { x: 1, y: 2 }, b: 1 }, { b: 1, a: { y: 2, x: 1 } })).toEqual([])
})
