import { createHistogram } from 'node:perf_hooks'
import { describe, expect, test } from '@jest/globals'
import { loopDelays, loopDelaysOf } from '../../../lib/telemetry/loop-delays.ts'

const histogramOf = (milliseconds: readonly number[]) => {
  const histogram = createHistogram()
  for (const each of milliseconds) histogram.record(Math.round(each * 1e6))
  return histogram
}

describe('loopDelaysOf', () => {
  test('does not count the time that the timer was to wait anyway', () => {
    const looks = [...Array.from({ length: 98 }, () => 20), 30, 70]
    const { p50, p99, max } = loopDelaysOf(histogramOf(looks), 20)
    expect(p50).toBeCloseTo(0, 3)
    expect(p99).toBeCloseTo(0.01, 3)
    expect(max).toBeCloseTo(0.05, 3)
  })

  test('has no negative delay', () => {
    expect(loopDelaysOf(histogramOf([19]), 20)).toEqual({ p50: 0, p99: 0, max: 0 })
  })

  test('is zero before the second look', () => {
    expect(loopDelaysOf(histogramOf([]), 20)).toEqual({ p50: 0, p99: 0, max: 0 })
  })
})

test('loopDelays tells nothing right after it began', () => {
  expect(loopDelays()()).toEqual({ p50: 0, p99: 0, max: 0 })
})
