import type { Counter, Family, Gauge, Metrics } from '../telemetry/index.ts'

export interface StoreMetrics {
  readonly used: Gauge
  readonly capacity: Gauge
  readonly blobs: Gauge
  readonly pinned: Gauge
  readonly uploads: Gauge
  readonly refused: Counter
  readonly evictions: Family<Counter, 'kind'>
}

/** The metrics of one store; undefined without `metrics`. */
export function storeMetrics(metrics: Metrics | undefined): StoreMetrics | undefined {
  if (metrics === undefined) return undefined
  const gauge = (name: string, help: string) => metrics.gauge({ name, help }).with({})
  return {
    used: gauge('shoal_store_used_bytes', 'Own bytes in the local store: complete, partial and uploads.'),
    capacity: gauge('shoal_store_capacity_bytes', 'Own bytes the local store may hold.'),
    blobs: gauge('shoal_store_blobs', 'Complete blobs in the local store.'),
    pinned: gauge('shoal_store_pinned_bytes', 'Bytes of pinned blobs in the local store.'),
    uploads: gauge('shoal_store_uploads', 'Uploads in the local store that are no blobs yet.'),
    refused: metrics
      .counter({
        name: 'shoal_store_refused_writes_total',
        help: 'Writes to the local store refused for lack of space.',
      })
      .with({}),
    evictions: metrics.counter(
      { name: 'shoal_store_evictions_total', help: 'Blobs and uploads removed from the local store to free space.' },
      ['kind'],
    ),
  }
}
