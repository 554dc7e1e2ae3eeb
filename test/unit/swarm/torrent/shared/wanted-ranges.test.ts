import { describe, expect, test } from '@jest/globals'
import { PieceMap } from '../../../../../lib/core/index.ts'
import type { WantedSpan } from '../../../../../lib/swarm/picker/index.ts'
import { wantedRanges } from '../../../../../lib/swarm/torrent/shared/wanted-ranges.ts'

const map = new PieceMap(95, 10)
const limits = { maxWantRanges: 3, maxWantBytes: 40 }

const asked = (
  spans: readonly [number, number, WantedSpan['priority']][],
  known: readonly number[] = [],
  share = 1,
) => {
  const listed = spans.map(([start, end, priority]) => ({ range: { start, end }, priority }))
  const wanted = wantedRanges(listed, { map, isKnown: (piece) => known.includes(piece), limits, share })
  return Object.entries(wanted).flatMap(([priority, ranges]) =>
    ranges.map(({ start, end }) => `${priority} ${start}-${end}`),
  )
}

describe('what an origin is asked to bring', () => {
  test('is whole pieces, joined', () => {
    expect(asked([[5, 15, 'onDemand']])).toEqual(['onDemand 0-20'])
    expect(
      asked([
        [70, 71, 'onDemand'],
        [5, 6, 'onDemand'],
      ]),
    ).toEqual(['onDemand 0-10', 'onDemand 70-80'])
  })

  test('is nothing that peers can be asked for', () => {
    expect(asked([[0, 40, 'onDemand']], [1, 3])).toEqual(['onDemand 0-10', 'onDemand 20-30'])
    expect(asked([[0, 20, 'onDemand']], [0, 1])).toEqual([])
  })

  test('ends with the blob', () => {
    expect(
      asked([
        [90, 500, 'prefetch'],
        [400, 500, 'prefetch'],
      ]),
    ).toEqual(['prefetch 90-95'])
  })

  test('is wanted once, at its highest priority', () => {
    expect(
      asked([
        [0, 30, 'fill'],
        [10, 25, 'prefetch'],
        [10, 20, 'onDemand'],
      ]),
    ).toEqual(['onDemand 10-20', 'prefetch 20-30', 'fill 0-10'])
  })

  test('is no more than one message takes, and what was wanted first is in it', () => {
    expect(
      asked([
        [50, 80, 'onDemand'],
        [0, 40, 'onDemand'],
      ]),
    ).toEqual(['onDemand 0-10', 'onDemand 50-80'])
    expect(asked([[0, 95, 'fill']], [], 0.5)).toEqual(['fill 0-20'])
    const scattered = [0, 2, 4, 6].map(
      (piece) => [10 * piece, 10 * piece + 1, 'onDemand'] as [number, number, 'onDemand'],
    )
    expect(asked(scattered)).toHaveLength(3)
  })
})
