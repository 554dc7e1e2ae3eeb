import { anySignal, background, type Startable, untilAborted } from '../../../lib/base/index.ts'
import type { Counter, Family, Gauge, Metrics } from '../../../lib/telemetry/index.ts'
import type { FollowerChanges } from './follower-changes.ts'

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

/** How a run of a replication may end. */
const outcomes = ['taken', 'same', 'older', 'gone', 'unwanted', 'failed', 'dead', 'forgotten']

export interface RemoteRowsComponents {
  readonly remotes: ReadonlyMap<string, unknown>
  readonly followers: ReadonlyMap<string, unknown>
  readonly changes: FollowerChanges
}

/** Each remote has its rows from its begin on, and none after its end. */
export function remoteRows(
  { tags, conflicts, sentBytes }: ReplicationMetrics,
  { remotes, followers, changes }: RemoteRowsComponents,
): Startable {
  let running = background(() => undefined)
  let known = new Set<string>()
  const tell = () => {
    for (const remote of remotes.keys()) conflicts.with({ remote }).add(0)
    for (const remote of known) {
      if (followers.has(remote)) continue
      conflicts.drop({ remote })
      sentBytes.drop({ remote })
      for (const outcome of outcomes) tags.drop({ remote, outcome })
    }
    known = new Set(remotes.keys())
  }
  return {
    async start() {
      running = background(() => undefined)
      running.run('rows of the remotes', async (signal) => {
        while (!signal.aborted) {
          const { next } = changes
          tell()
          await untilAborted(anySignal([signal, next]))
        }
      })
    },
    stop: () => running.stop(),
  }
}
