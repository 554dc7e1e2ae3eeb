import type { Counter, Family, Gauge, Metrics } from '../../../lib/telemetry/index.ts'

export interface ReplicationMetrics {
  readonly tags: Family<Counter, 'remote' | 'outcome'>
  readonly conflicts: Family<Counter, 'remote'>
  readonly sentBytes: Family<Counter, 'remote'>
  readonly tasks: Family<Gauge, 'state'>
  readonly shards: Gauge
}

export function replicationMetrics(metrics: Metrics): ReplicationMetrics {
  return {
    tags: metrics.counter(
      { name: 'shoal_replication_tags_total', help: 'Runs of a replication of a tag, by how they ended.' },
      ['remote', 'outcome'],
    ),
    conflicts: metrics.counter(
      {
        name: 'shoal_replication_conflicts_total',
        help: 'Tags for which the remote had a later version from another cluster.',
      },
      ['remote'],
    ),
    sentBytes: metrics.counter(
      { name: 'shoal_replication_sent_bytes_total', help: 'Bytes of blobs that origins of the remote acknowledged.' },
      ['remote'],
    ),
    tasks: metrics.gauge(
      { name: 'shoal_replication_tasks', help: 'Replications in the shards of this build-index, by state.' },
      ['state'],
    ),
    shards: metrics
      .gauge({ name: 'shoal_replication_shards', help: 'Shards of the work that this build-index does.' })
      .with({}),
  }
}
