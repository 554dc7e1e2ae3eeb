import type { Metrics } from '../../../lib/telemetry/index.ts'
import type { Verdict } from './scrub.ts'

/** Counters of scrub, repair and hand-over. */
export interface UpkeepMetrics {
  readonly verified: (verdict: Verdict, bytes: number) => void
  readonly copied: (outcome: 'ok' | 'failed', bytes: number) => void
  /** Sets the number of blobs without the other copies that they should have, as the last walk found. */
  readonly unsafe: (blobs: number) => void
}

export function upkeepMetrics(metrics: Metrics): UpkeepMetrics {
  const counter = (name: string, help: string) => metrics.counter({ name, help }, ['outcome'])
  const blobs = counter('shoal_scrub_blobs_total', 'Stored blobs that were compared with their digests.')
  const bytes = metrics
    .counter({ name: 'shoal_scrub_bytes_total', help: 'Bytes of blobs that were compared with their digests.' })
    .with({})
  const copies = counter('shoal_hand_over_copies_total', 'Copies sent to origins that are to keep the blob.')
  const unsafe = metrics
    .gauge({ name: 'shoal_hand_over_unsafe_blobs', help: 'Blobs for which the last walk could not make all copies.' })
    .with({})
  unsafe.set(0)
  return {
    verified(verdict, count) {
      blobs.with({ outcome: verdict }).add()
      bytes.add(count)
    },
    copied: (outcome) => copies.with({ outcome }).add(),
    unsafe: (count) => unsafe.set(count),
  }
}
