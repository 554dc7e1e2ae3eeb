import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks'

const NANOSECONDS = 1e9
/** Milliseconds between two looks at the clock. */
const PERIOD_MS = 20

/** Seconds that the event loop came later than it should have. */
export interface LoopDelays {
  readonly p50: number
  readonly p99: number
  readonly max: number
}

/** What `loopDelaysOf` reads of Node's histogram. */
export type DelayHistogram = Pick<IntervalHistogram, 'count' | 'max' | 'percentile'>

/**
 * Node's histogram has the time from one look to the next, in nanoseconds, of which `periodMs` is not a delay. Zero
 * before the second look.
 */
export function loopDelaysOf(histogram: DelayHistogram, periodMs: number): LoopDelays {
  const late = (nanoseconds: number) =>
    histogram.count === 0 ? 0 : Math.max(0, nanoseconds / NANOSECONDS - periodMs / 1000)
  return { p50: late(histogram.percentile(50)), p99: late(histogram.percentile(99)), max: late(histogram.max) }
}

/** Watches the event loop from now on. Each call returns the delays since the one before. */
export function loopDelays(): () => LoopDelays {
  const histogram = monitorEventLoopDelay({ resolution: PERIOD_MS })
  histogram.enable()
  return () => {
    const delays = loopDelaysOf(histogram, PERIOD_MS)
    histogram.reset()
    return delays
  }
}
