import { expect, test } from '@jest/globals'
import { type PodsRun, podsRows } from '../../bench/pods-figures.ts'

const counts = { reads: 1, sentBytes: 3_000_000, most: 1, least: 1, peak: 1_250_000, open: 0 }
const run: PodsRun = {
  ...{ pods: 500, image: '3 GB', mode: 'oci', bytes: 3_000_000, counts, directMs: undefined },
  readyMs: [2_000, 4_000, 9_000],
}
const cells = (rows: readonly (readonly (string | number)[])[], figure: string) =>
  rows.find((row) => row[3] === figure)?.slice(4)

test('sizes and rates of the store are shown unscaled beside the published ones, times as they were', () => {
  const rows = podsRows(run, 1000)
  expect(cells(rows, 'start to ready p50, s')).toEqual(['', '4.0', ''])
  expect(cells(rows, 'start to ready p99, s')).toEqual([55, '9.0', '<= 55'])
  expect(cells(rows, 'no swarm, computed: all pods have it, s')).toEqual([10_800, '1200.0', ''])
  expect(cells(rows, "the store's peak within 1 s, MiB/s")).toEqual([111, '1192', '<= 111'])
  expect(cells(rows, "the store's sum, GiB")).toEqual([4.88, '2.79', '<= 4.88'])
  expect(cells(rows, "the store's sum, copies of the image")).toEqual(['', '1.00', '<= 1'])
})

test('of lazy starts only times were published, and of other numbers of pods nothing', () => {
  const lazy = podsRows({ ...run, mode: 'lazy' }, 1000)
  expect(cells(lazy, 'start to ready p99, s')).toEqual([15, '9.0', '<= 15'])
  expect(cells(lazy, "the store's peak within 1 s, MiB/s")).toEqual(['', '1192', ''])
  const other = podsRows({ ...run, pods: 60, directMs: 2_500 }, 1000)
  expect(cells(other, 'start to ready p99, s')).toEqual(['', '9.0', ''])
  expect(cells(other, 'no swarm, measured: all pods have it, s')).toEqual(['', '2.5', ''])
})
