import { describe, expect, test } from '@jest/globals'
import { hasMissed, meets, withVerdicts } from '../../bench/verdict.ts'

describe('meets', () => {
  test.each([
    ['1.5', '<= 1.5', true],
    ['1.51', '<= 1.5', false],
    ['3', '< 3', false],
    ['0.80', '>= 0.8', true],
    ['0.79', '>= 0.8', false],
    ['2', '> 2', false],
    ['1.0000', '1', true],
    [2, '1', false],
    ['not counted', '< 3', false],
  ] as const)('%s against %s is %s', (value, bound, met) => {
    expect(meets(value, bound)).toBe(met)
  })

  test.each([
    ['5', ''],
    ['', '<= 8'],
    ['5', 'soon'],
  ])('%p has no verdict against %p', (value, bound) => {
    expect(meets(value, bound)).toBeUndefined()
  })
})

describe('withVerdicts', () => {
  const verdicts = (columns: readonly string[], ...rows: string[][]) =>
    withVerdicts({ columns, rows }).rows.map((row) => row.at(-1))

  test('judges the column before the bound', () => {
    expect(verdicts(['figure', 'value', 'must reach'], ['a', '1', '<= 2'], ['b', '3', '<= 2'], ['c', '3', ''])).toEqual(
      ['met', 'not met', ''],
    )
  })

  test('judges as many columns as there are bounds, and names them when they differ', () => {
    const columns = ['figure', 'first', 'later', 'must reach: first', 'later']
    const rows = [
      ['a', '1', '1', '<= 2', '<= 2'],
      ['b', '3', '1', '<= 2', '<= 2'],
      ['c', '3', '', '<= 2', '<= 2'],
      ['d', '9', '1', '', '<= 2'],
    ]
    expect(verdicts(columns, ...rows)).toEqual(['met', 'first: not met; later: met', 'not met', 'met'])
    expect(rows.map((row) => hasMissed(withVerdicts({ columns, rows: [row] })))).toEqual([false, true, true, false])
  })

  test('leaves a table without bounds as it is', () => {
    const table = { columns: ['what', 'p50'], rows: [['a', 1]] }
    expect(withVerdicts(table)).toEqual(table)
    expect(hasMissed(table)).toBe(false)
  })
})
