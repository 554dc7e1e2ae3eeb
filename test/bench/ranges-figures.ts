import type { ReadTime } from './lazy-reader.ts'
import { percentile } from './measure.ts'
import type { StoreCounts } from './paced-objects.ts'

/** What all clients together got of one fresh blob, from one side. */
export interface Side {
  readonly times: readonly ReadTime[]
  readonly counts: StoreCounts
}

export interface RangesRound {
  readonly reading: string
  readonly bytes: number
  /** Undefined where the store cannot be read so. */
  readonly store: Side | undefined
  readonly shoal: Side
}

/** Bytes of one read of an object store by an origin. */
export const UNIT_BYTES = 4 * 1024 * 1024

export const rangesColumns = ['clients read', 'figure', 'at the store', 'through shoal', 'must reach'] as const

type Row = readonly [reading: string, figure: string, store: string, shoal: string, bound: string]

/** The rows of all rounds of one reading, under `rangesColumns`. */
export function rangesRows(rounds: readonly RangesRound[]): readonly Row[] {
  const [first] = rounds
  if (first === undefined) return []
  const shoal = rounds.map((round) => round.shoal)
  const store = rounds.flatMap((round) => round.store ?? [])
  const waitsFor = (sides: readonly Side[]) =>
    sides.flatMap(({ times }) => times.filter(({ kind }) => kind !== 'early' && kind !== 'whole'))
  const what = new Set(waitsFor(shoal).map(({ kind }) => kind))
  const label = what.has('chunk') ? 'to the first byte' : what.has('many') ? 'of a request' : 'of a read'
  const row = (figure: string, of: (sides: readonly Side[]) => string, bound = ''): Row => [
    first.reading,
    figure,
    store.length === 0 ? '' : of(store),
    of(shoal),
    bound,
  ]
  const time = (rank: number) => (sides: readonly Side[]) =>
    percentile(
      waitsFor(sides).map(({ ms }) => ms),
      rank,
    ).toFixed(0)
  const most = (pick: (counts: StoreCounts) => number, digits: number) => (sides: readonly Side[]) =>
    Math.max(...sides.map(({ counts }) => pick(counts))).toFixed(digits)
  const isTimed = !what.has('many')
  return [
    row(`p50 ${label}, ms`, time(50)),
    row(`p99 ${label}, ms`, time(99), isTimed ? '< 250' : ''),
    row(`longest ${label}, ms`, time(100)),
    row(
      'bytes that left the store / size',
      most(({ sentBytes }) => sentBytes / first.bytes, 2),
    ),
    row(
      'times that a byte left the store, most',
      most((counts) => counts.most, 0),
      '<= 1',
    ),
    row(
      'reads of the store',
      most(({ reads }) => reads, 0),
    ),
    row(
      'reads of the store / (size / unit)',
      most(({ reads }) => reads / (first.bytes / UNIT_BYTES), 2),
      '<= 1.1',
    ),
  ]
}
