import { describe, expect, test } from '@jest/globals'
import { grownBy, metricSums } from '../../bench/metric-sums.ts'

const text = (peer: number, origin: number) =>
  [
    '# HELP shoal_received_bytes_total Bytes.',
    '# TYPE shoal_received_bytes_total counter',
    `shoal_received_bytes_total{from="peer"} ${peer}`,
    `shoal_received_bytes_total{zone="a",from="origin"} ${origin}`,
    '# TYPE shoal_received_bytes_total_other counter',
    'shoal_received_bytes_total_other{from="peer"} 1000',
  ].join('\n')

describe('metricSums', () => {
  test('adds up the samples of all processes for each value of the label', () => {
    const sums = metricSums([text(1, 20), text(300, 4000)], 'shoal_received_bytes_total', 'from')
    expect(Object.fromEntries(sums ?? [])).toEqual({ peer: 301, origin: 4020 })
  })

  test('a counter that no process has is told from one that counted nothing', () => {
    expect(metricSums([text(1, 2)], 'shoal_swarm_wasted_bytes_total', 'why')).toBeUndefined()
    const nothing = '# TYPE shoal_swarm_wasted_bytes_total counter'
    expect(metricSums([nothing], 'shoal_swarm_wasted_bytes_total', 'why')?.size).toBe(0)
  })
})

describe('grownBy', () => {
  test('is the difference for each value, also for one that is new', () => {
    const before = new Map([['late', 5]])
    const after = new Map([
      ['late', 7],
      ['repeat', 3],
    ])
    expect(grownBy(before, after)).toEqual({ late: 2, repeat: 3 })
    expect(grownBy(undefined, undefined)).toBeUndefined()
  })
})
