import type { Metrics } from '../../../lib/telemetry/index.ts'

/** Counters of what is brought for nobody in particular. */
export interface IngestMetrics {
  /** So many bytes came that nobody had asked for. */
  readonly onFilled: (bytes: number) => void
  /** Nobody wants a blob any more, so it is not brought to its end. */
  readonly onUnwanted: () => void
}

export function ingestMetrics(metrics: Metrics): IngestMetrics {
  const filled = metrics
    .counter({ name: 'shoal_fill_bytes_total', help: 'Payload bytes that came although nobody had asked for them.' })
    .with({})
  const unwanted = metrics
    .counter({
      name: 'shoal_ingest_unwanted_total',
      help: 'Blobs that were brought in part and then wanted by nobody.',
    })
    .with({})
  return {
    onFilled: (bytes) => filled.add(bytes),
    onUnwanted: () => unwanted.add(),
  }
}
