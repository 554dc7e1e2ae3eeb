import { describe, expect, test } from '@jest/globals'
import { simulationColumns, simulationRows } from '../../../bench/simulation/figures.ts'
import { distributionPlot } from '../../../bench/simulation/plot.ts'

const tally = {
  originBytes: 1_000,
  agentBytes: 9_000,
  acrossBytes: 0,
  wastedBytes: 100,
  repeats: 4,
  timeouts: 3,
  denied: 7,
  starved: 2,
}
const readers = { firstByteMs: [100, 300, 200], meanByteMs: [5_000, 5_500, 6_000] }
const outcome = {
  finishMs: [10_000, 11_000, 12_500],
  ...readers,
  tally,
  copies: 1.256,
  copiesAcross: 0,
  pieceLength: 524_288,
  events: 9,
}

const rowOf = (agents: number, name: string, finishMs = outcome.finishMs) => {
  const [row = []] = simulationRows([{ scenario: { agents, name }, outcome: { ...outcome, finishMs } }])
  return Object.fromEntries(simulationColumns.map((column, at) => [column, row[at]]))
}

describe('simulationRows', () => {
  test('shows times in seconds, copies and waste', () => {
    expect(rowOf(500, 'calm')).toEqual({
      ...{ hosts: 500, day: 'calm', 'piece, KiB': 512, 'p50, s': '11.00', 'p99, s': '12.50', 'p99.9, s': '12.50' },
      ...{ 'max, s': '12.50', 'must reach p50': '', p99: '', 'p99.9': '' },
      ...{ 'copies from origins': '1.26', 'copies across zones': '0.00', 'wasted, %': '1.00' },
      ...{ 'asked twice': 4, 'first byte p50, s': '0.20', 'average byte p50, s': '5.50' },
      ...{ timeouts: 3, 'refused by origins': 7, 'would turn to HTTP': 2 },
    })
  })

  test('says what Kraken is to be beaten by, on a day like the one that Kraken had', () => {
    const { 'must reach p50': p50, p99, 'p99.9': p999 } = rowOf(2_600, 'calm')
    expect([p50, p99, p999]).toEqual(['<= 10.5', '<= 12', '<= 14'])
    expect(rowOf(2_600, 'rough')['must reach p50']).toBe('')
  })

  test('does not hide an agent that never ends', () => {
    expect(rowOf(500, 'calm', [10_000, Number.POSITIVE_INFINITY])['max, s']).toBe('never')
  })
})

test('the plot has a line for each run and a dot for each figure to compare with', () => {
  const lines = [
    { label: 'a < b', finishMs: [1_000, 2_000, Number.POSITIVE_INFINITY] },
    { label: 'many', finishMs: Array.from({ length: 10_000 }, (_, at) => at) },
  ]
  const svg = distributionPlot(lines, [{ label: 'Kraken', share: 0.5, seconds: 20 }])
  expect(svg.match(/<path [^>]*stroke-width/g)).toHaveLength(2)
  expect(svg.match(/<circle /g)).toHaveLength(1)
  expect(svg).toContain('a &lt; b')
  // Half of the width for half of the time, and two thirds of the height for two of three hosts.
  expect(svg).toContain('L132.0 146.7')
  expect(svg.length).toBeLessThan(20_000)
})
