import type { BlobSender, BuildIndex, OriginCluster } from '../../../lib/api/index.ts'
import type { Backend } from '../../../lib/backend/index.ts'
import { background, lifecycle, type Startable } from '../../../lib/base/index.ts'
import type { Runtime } from '../../../lib/service/index.ts'
import type { IndexRecords } from '../index-records.ts'
import type { VersionedTags } from '../tag-records.ts'
import { type Backfills, backfills } from './backfill.ts'
import type { ReplicationConfig } from './config.ts'
import { replicationExecutor } from './executor.ts'
import type { Follower } from './follower.ts'
import type { FollowerChanges } from './follower-changes.ts'
import { knownRules } from './known-rules.ts'
import { leases } from './leases.ts'
import type { Outbox } from './outbox.ts'
import type { Remote } from './remote.ts'
import { SHARDS } from './replication-keys.ts'
import { type ReplicationMetrics, remoteRows, replicationMetrics } from './replication-metrics.ts'
import { shardWork } from './shard-work.ts'
import { type HeldStatuses, type Statuses, statuses } from './status.ts'

/** Pause between two measurements of the tasks. */
const MEASURE_MS = 5_000

export interface ReplicatorComponents extends Runtime {
  /** Undefined without a backend that has conditional writes: then there are no remotes. */
  readonly work: ReplicationWork | undefined
  readonly index: BuildIndex
  readonly tags: VersionedTags | undefined
  readonly origins: Pick<OriginCluster, 'readBlob'>
  readonly sender: BlobSender
  /** Those of now. */
  readonly remotes: ReadonlyMap<string, Remote>
  /** The remotes, and whoever else follows the tags. */
  readonly followers: ReadonlyMap<string, Follower>
  readonly changes: FollowerChanges
  /** Starts and stops the followers. Undefined: there is none, and there never will be. */
  readonly following: Startable | undefined
  /** Name of this cluster. */
  readonly cluster: string
}

/** Where tasks and leases lie, and what is to be done is announced. */
export interface ReplicationWork {
  readonly backend: Backend
  readonly records: IndexRecords
  readonly outbox: Outbox
}

/** The part of a build-index that replicates tags to other clusters. */
export interface Replicator extends Startable {
  /** Undefined when there is no place for it, and so no remote. */
  readonly desk: ReplicationDesk | undefined
}

/** What admins see and order. */
export interface ReplicationDesk {
  readonly statuses: Statuses
  readonly backfills: Backfills
  readonly outbox: Pick<Outbox, 'add'>
  readonly tags: VersionedTags
  /** The shards whose work is done here. */
  shards(): readonly number[]
}

const nothing: Replicator = { start: () => Promise.resolve(), stop: () => Promise.resolve(), desk: undefined }

export function replicator(
  components: ReplicatorComponents,
  config: Pick<ReplicationConfig, 'lease' | 'tagsAtOnce' | 'retry' | 'backfill'>,
): Replicator {
  const metrics = replicationMetrics(components.metrics)
  const { work: place, tags, following } = components
  if (place === undefined || tags === undefined) return nothing
  const rules = knownRules({ ...components, ...place })
  if (following === undefined) return { ...rules, desk: undefined }
  const parts = { ...components, ...place, tags, inbox: place.outbox.inbox, metrics, rules }
  const kept = statuses(parts)
  const walks = backfills(parts, { tagsPerSecond: config.backfill })
  const { first, most, tries, revive } = config.retry
  const executorOf = (own: HeldStatuses) =>
    replicationExecutor(
      {
        ...parts,
        statuses: own,
        share: () => Math.max(1, held.held.length) / SHARDS,
        onTie: (remote) => metrics.conflicts.with({ remote }).add(),
        onSent: (remote, bytes) => metrics.sentBytes.with({ remote }).add(bytes),
      },
      { tries },
    )
  const onForgotten = (remote: string) => metrics.tags.with({ remote, outcome: 'forgotten' }).add()
  const work = shardWork(
    { ...parts, statuses: kept, executorOf, onForgotten, backfills: walks },
    { tagsAtOnce: config.tagsAtOnce, retry: { baseMs: first, maxMs: most, attempts: tries }, reviveMs: revive },
  )
  const held = leases(parts, {
    holder: Buffer.from(components.random.bytes(12)).toString('hex'),
    shards: SHARDS,
    leaseMs: config.lease,
    work: (lease) => work.run(lease),
  })
  const measuring = measurement(components, () => {
    metrics.shards.set(held.held.length)
    measureTasks(metrics, work.counts())
  })
  place.outbox.onAdded = (shard) => work.nudge(shard)
  return {
    ...lifecycle([following, remoteRows(metrics, components), rules, held, measuring]),
    desk: { statuses: kept, backfills: walks, outbox: place.outbox, tags, shards: () => held.held },
  }
}

function measureTasks({ tasks }: ReplicationMetrics, counts: ReturnType<ReturnType<typeof shardWork>['counts']>): void {
  for (const state of ['waiting', 'running', 'dead'] as const) {
    tasks.with({ state }).set(counts.reduce((sum, count) => sum + count[state], 0))
  }
}

function measurement({ clock, logger }: Pick<Runtime, 'clock' | 'logger'>, measure: () => void): Startable {
  let running = background(() => undefined)
  return {
    async start() {
      running = background((task, err) => logger.error('background task failed', { task, err }))
      running.run('numbers of the replication', async (signal) => {
        for (;;) {
          measure()
          await clock.sleep(MEASURE_MS, { signal })
        }
      })
    },
    stop: () => running.stop(),
  }
}
