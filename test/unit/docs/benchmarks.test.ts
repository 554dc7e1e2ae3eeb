import { describe, expect, test } from '@jest/globals'
import { reasons } from '../../bench/reasons.ts'
import { type BenchFile, benchmarkReport, missedIn } from '../../bench/report.ts'
import { readProjectFile } from '../../kit/doc-table.ts'

const result = (name: string, value: number): BenchFile => ({
  name,
  date: '2026-01-31',
  machine: { cpus: '2 x Some CPU', node: 'v20.20.0' },
  conditions: ['over loopback', 'cold'],
  columns: ['what', 'p50 ms'],
  rows: [['a | b', value]],
})

describe('benchmarkReport', () => {
  test('has a table with its conditions for each result, by name', () => {
    const report = benchmarkReport([result('small', 7), result('large', 9)])
    expect(report.indexOf('## large')).toBeLessThan(report.indexOf('## small'))
    expect(report.slice(report.indexOf('## small'))).toBe(
      [
        '## small\n',
        '2026-01-31, 2 x Some CPU, node v20.20.0.\n',
        '- over loopback\n- cold\n',
        '| what | p50 ms |\n| --- | --- |\n| a \\| b | 7 |\n',
      ].join('\n'),
    )
  })

  test('says what each row has reached and, once, why not', () => {
    const columns = ['what', 'ms', 'must reach']
    const rows = [
      ['a', 7, '<= 9'],
      ['b', 10, '<= 9'],
      ['c', 1, ''],
    ]
    const report = benchmarkReport([{ ...result('small', 7), columns, rows }], '', {
      small: ['it is far', 'it is slow'],
    })
    expect(report.slice(report.indexOf('| what'))).toBe(
      [
        '| what | ms | must reach | met |\n| --- | --- | --- | --- |',
        '| a | 7 | <= 9 | met |\n| b | 10 | <= 9 | not met |\n| c | 1 |  |  |\n',
        'Not met, and why:\n',
        '- it is far\n- it is slow\n',
      ].join('\n'),
    )
    expect(missedIn(report)).toEqual(['small'])
    const later = benchmarkReport([], report, { small: ['it was far'] })
    expect(later).toBe(report.replace('- it is far\n- it is slow\n', '- it was far\n'))
  })

  test('replaces what was measured again and keeps what was not', () => {
    const before = benchmarkReport([result('large', 1), result('small', 2)])
    const report = benchmarkReport([result('small', 3)], before)
    expect(report).toBe(benchmarkReport([result('large', 1), result('small', 3)]))
  })
})

test('docs/benchmarks.md is as it was written', () => {
  const written = readProjectFile('docs/benchmarks.md')
  expect(benchmarkReport([], written)).toBe(written)
})

test('every bench of docs/benchmarks.md that has missed a bound says why', () => {
  const missed = missedIn(readProjectFile('docs/benchmarks.md'))
  expect(missed.filter((name) => (reasons[name] ?? []).length === 0)).toEqual([])
})
