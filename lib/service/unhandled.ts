import type { Counter, Metrics } from '../telemetry/index.ts'

/** Counts unhandled rejections; each one is a bug in the program. */
export function unhandledRejections(metrics: Metrics): Counter {
  const help = 'Promises that failed with nobody to take the failure; each ends the process.'
  return metrics.counter({ name: 'shoal_unhandled_rejections_total', help }).with({})
}
