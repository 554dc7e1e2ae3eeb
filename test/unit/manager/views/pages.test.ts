import { describe, expect, test } from '@jest/globals'
import { counterIn, perSecond } from '../../../../services/manager/views/counts.ts'
import { mergedPage } from '../../../../services/manager/views/merged-pages.ts'

const keyOf = (row: string) => row.slice(0, 1)

describe('pages of several lists', () => {
  test('are one page in order', () => {
    expect(mergedPage([{ rows: ['a1', 'c1'] }, { rows: ['b2'] }], { count: 10, keyOf })).toEqual({
      rows: ['a1', 'b2', 'c1'],
    })
  })

  test('keep rows with one key together', () => {
    expect(mergedPage([{ rows: ['a1', 'b1'] }, { rows: ['a2', 'b2'] }], { count: 1, keyOf })).toEqual({
      rows: ['a1', 'a2'],
      next: 'a',
    })
  })

  test('end where a list that has more ends, so that nothing of it is passed over', () => {
    expect(mergedPage([{ rows: ['a1', 'b1'], next: 'b' }, { rows: ['a2', 'c2', 'd2'] }], { count: 10, keyOf })).toEqual(
      {
        rows: ['a1', 'a2', 'b1'],
        next: 'b',
      },
    )
  })

  test('may be empty though more follow', () => {
    expect(mergedPage([{ rows: [], next: 'b' }, { rows: ['c2'] }], { count: 10, keyOf })).toEqual({
      rows: [],
      next: 'b',
    })
  })
})

describe('what services have counted', () => {
  const text = [
    '# TYPE shoal_sent_bytes_total counter',
    'shoal_sent_bytes_total{to="peer"} 100',
    'shoal_sent_bytes_total{listener="x",to="peer"} 5.5e1 1700000000000',
    'shoal_sent_bytes_total{to="client"} 7',
    'shoal_sent_bytes_total_more{to="peer"} 9',
    'shoal_sent_bytes_total{to="peer"} NaN',
  ].join('\n')

  test('is the sum of the lines with the label', () => {
    expect(counterIn(text, 'shoal_sent_bytes_total', 'to="peer"')).toBe(155)
  })

  const counts = (atMs: number, of: Readonly<Record<string, object>>) => ({ atMs, of: new Map(Object.entries(of)) })

  test('grows between two looks, and a counter that went back began anew', () => {
    const before = counts(0, { 'origin/1': { origins: 100, backend: 50 }, 'tracker/1': { finished: 5 } })
    const now = counts(10_000, { 'origin/1': { origins: 1100, backend: 20 }, 'tracker/1': { finished: 6 } })
    expect(perSecond(before, now)).toEqual({ finishedPerMinute: 6, originsPerSecond: 100, backendPerSecond: 2 })
  })

  test('is not told of services that were not there before', () => {
    expect(perSecond(counts(0, {}), counts(10_000, { 'origin/1': { origins: 1e12, backend: 1 } }))).toEqual({})
  })
})
