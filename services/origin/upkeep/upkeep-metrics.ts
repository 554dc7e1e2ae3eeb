import type { Metrics } from '../../../lib/telemetry/index.ts'

/** Counters of the hand-over. */
export interface UpkeepMetrics {
  readonly copied: (outcome: 'ok' | 'failed', bytes: number) => void
  /** Sets the number of blobs without the other copies that they should have, as the last walk found. */
  readonly unsafe: (blobs: number) => void
}

export function upkeepMetrics(metrics: Metrics): UpkeepMetrics {
  const copies = metrics.counter(
    { name: 'shoal_hand_over_copies_total', help: 'Copies sent to origins that are to keep the blob.' },
    ['outcome'],
  )
  const unsafe = metrics
    .gauge({ name: 'shoal_hand_over_unsafe_blobs', help: 'Blobs for which the last walk could not make all copies.' })
    .with({})
  unsafe.set(0)
  return {
    copied: (outcome) => copies.with({ outcome }).add(),
    unsafe: (count) => unsafe.set(count),
  }
}
