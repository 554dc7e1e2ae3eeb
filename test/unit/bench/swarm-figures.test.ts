import { describe, expect, test } from '@jest/globals'
import { type SwarmPull, swarmColumns, swarmRows } from '../../bench/swarm-figures.ts'

const GIB = 1024 ** 3

/** Two clients of 1 GiB each; the second one ends after `seconds`. */
const pull = (seconds: number, more: Partial<SwarmPull> = {}): SwarmPull => ({
  nginxMs: 500,
  firstByteMs: [10, 30],
  finishMs: [1000, seconds * 1000],
  bytes: GIB,
  cpuSeconds: { agents: 8, origins: 1.5, trackers: 0.5 },
  fromOrigins: { wire: GIB, http: GIB / 4 },
  received: 2 * GIB,
  wasted: undefined,
  peakRssMiB: 100 + seconds,
  rssMiB: 90,
  ...more,
})

const rows = (...pulls: SwarmPull[]) =>
  new Map(swarmRows(pulls).map(([name = '', first, later]) => [name, [first, later]] as const))

describe('swarmRows', () => {
  test('shows the first pull, and the median from the third one on', () => {
    const table = rows(pull(9), pull(1), pull(4), pull(3), pull(2))
    expect(table.get('shoal total, s')).toEqual(['9.00', '3.00'])
    expect(table.get('shoal / nginx')).toEqual(['18.0', '6.0'])
    expect(table.get('finish p50, s')).toEqual(['1.00', '1.00'])
    expect(table.get('finish p99 / p50')).toEqual(['9.00', '3.00'])
  })

  test('counts CPU per GiB that clients got, and the copies of the origin per GiB of the blobs', () => {
    const table = rows(pull(1))
    expect(table.get('CPU-s per GiB delivered')?.[0]).toBe('5.00')
    expect(table.get('of agents')?.[0]).toBe('4.00')
    expect(table.get('copies that left the origin')?.[0]).toBe('1.25')
    expect(table.get('received / delivered')?.[0]).toBe('1.00')
  })

  test('what only grows is shown after the last pull', () => {
    expect(rows(pull(3), pull(2), pull(1), pull(7)).get('largest agent, peak RSS so far, MiB')).toEqual(['103', '107'])
  })

  test('leaves the column of later pulls empty when there was no third one', () => {
    expect(rows(pull(3), pull(2)).get('shoal total, s')).toEqual(['3.00', ''])
  })

  test('shows the waste as a share of what was received, in all and by reason', () => {
    const table = rows(pull(1, { wasted: { repeat: 0.01 * GIB, late: 0.03 * GIB } }))
    expect(table.get('wasted, % of received')?.[0]).toBe('2.00')
    expect(table.get('late, %')?.[0]).toBe('1.50')
    expect(rows(pull(1)).get('wasted, % of received')?.[0]).toBe('not counted')
  })

  test('every row has all columns', () => {
    for (const row of swarmRows([pull(1, { wasted: { late: 1 } })])) expect(row).toHaveLength(swarmColumns.length)
  })
})
