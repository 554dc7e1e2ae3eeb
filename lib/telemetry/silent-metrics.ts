import type { Metrics } from './metrics.ts'

const nothing = () => undefined

/** Metrics that nobody reads. */
export function silentMetrics(): Metrics {
  return {
    counter: () => ({ with: () => ({ add: nothing }) }),
    gauge: () => ({ with: () => ({ set: nothing, add: nothing }) }),
    histogram: () => ({ with: () => ({ observe: nothing }) }),
    expose: () => Promise.resolve({ contentType: 'text/plain; version=0.0.4; charset=utf-8', text: '' }),
  }
}
