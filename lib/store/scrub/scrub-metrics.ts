import type { Metrics } from '../../telemetry/index.ts'
import type { Verdict } from './scrub.ts'

/** Counts one verified blob of so many bytes. */
export function scrubMetrics(metrics: Metrics): (verdict: Verdict, bytes: number) => void {
  const blobs = metrics.counter(
    { name: 'shoal_scrub_blobs_total', help: 'Stored blobs that were compared with their digests.' },
    ['outcome'],
  )
  const bytes = metrics
    .counter({ name: 'shoal_scrub_bytes_total', help: 'Bytes of blobs that were compared with their digests.' })
    .with({})
  return (verdict, count) => {
    blobs.with({ outcome: verdict }).add()
    bytes.add(count)
  }
}
