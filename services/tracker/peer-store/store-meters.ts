import type { Counter, Gauge, Metrics } from '../../../lib/telemetry/index.ts'

export interface StoreMeters {
  readonly written: Counter
  readonly dropped: Counter
  readonly refused: Counter
  readonly waiting: Gauge
  readonly up: Gauge
  readonly loaded: Counter
  readonly late: Counter
  readonly failed: Counter
}

/** The metrics of the store; all are 0 without one. */
export function storeMeters(metrics: Metrics): StoreMeters {
  const writes = metrics.counter(
    { name: 'shoal_tracker_store_writes_total', help: 'What was to be written to the shared store, by outcome.' },
    ['outcome'],
  )
  const loads = metrics.counter(
    { name: 'shoal_tracker_store_loads_total', help: 'Swarms that were asked of the shared store, by outcome.' },
    ['outcome'],
  )
  const waiting = metrics.gauge({
    name: 'shoal_tracker_store_waiting',
    help: 'Writes that waited for the shared store, as of the last batch.',
  })
  const up = metrics.gauge({
    name: 'shoal_tracker_store_up',
    help: '1 while the shared store answers; 0 while it is away, or if there is none.',
  })
  return {
    up: up.with({}),
    ...{ written: writes.with({ outcome: 'written' }), dropped: writes.with({ outcome: 'dropped' }) },
    ...{ refused: writes.with({ outcome: 'refused' }), waiting: waiting.with({}) },
    ...{ loaded: loads.with({ outcome: 'loaded' }), late: loads.with({ outcome: 'late' }) },
    failed: loads.with({ outcome: 'failed' }),
  }
}
