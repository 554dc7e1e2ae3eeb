import { describe, expect, test } from '@jest/globals'
import { prometheusMetrics } from '../../../lib/telemetry/index.ts'
import { delaysIn, loopColumns, loopRows } from '../../bench/loop-figures.ts'

const delays = (p50: number, p99: number, max: number) => ({ p50, p99, max })

describe('delaysIn', () => {
  test('reads the metrics of a process, in milliseconds', () => {
    const text = ['p50 0.001', 'p99 0.02', 'max 0.3'].map(
      (each) => `nodejs_eventloop_lag_${each.replace(' ', '_seconds ')}`,
    )
    expect(delaysIn(text.join('\n'))).toEqual(delays(1, 20, 300))
  })

  test('finds them in what every service exposes', async () => {
    const { p50, p99, max } = delaysIn((await prometheusMetrics({ process: true }).expose()).text)
    expect([p50, p99, max].every((value) => value >= 0)).toBe(true)
  })

  test('does not take a missing metric for no delay', () => {
    expect(() => delaysIn('nodejs_eventloop_lag_p50_seconds 0')).toThrow('no delay p99')
  })
})

test('loopRows shows the median of the pulls and the largest, with the bound on agents that pull', () => {
  const busy = [delays(1, 10, 40), delays(2, 12, 30), delays(3, 50, 60)]
  const rows = loopRows('one agent', { busy, idle: [], bare: [delays(0, 1, 2)] })
  expect(rows).toEqual([
    ['one agent', 'an agent that pulls', '2.0', '60.0', '50.0', '12.0', '<= 20'],
    ['one agent', 'a bare node process', '0.0', '2.0', '1.0', '1.0', ''],
  ])
  expect(rows.every((row) => row.length === loopColumns.length)).toBe(true)
})
