import type { Metrics } from './metrics.ts'

const nothing = () => undefined

/** Metrics that nobody reads. */
export function silentMetrics(): Metrics {
  return {
    counter: () => ({ with: () => ({ add: nothing }), drop: nothing }),
    gauge: () => ({ with: () => ({ set: nothing, add: nothing }), drop: nothing }),
    histogram: () => ({ with: () => ({ observe: nothing }), drop: nothing }),
    expose: () => Promise.resolve({ contentType: 'text/plain; version=0.0.4; charset=utf-8', text: '' }),
  }
}
