import type { BlobSender, BuildIndex, OriginCluster } from '../../../lib/api/index.ts'
import type { Backend } from '../../../lib/backend/index.ts'
import { type AbortOptions, background, lifecycle, type Startable } from '../../../lib/base/index.ts'
import type { Runtime } from '../../../lib/service/index.ts'
import type { AnnounceChange } from '../announced.ts'
import type { IndexRecords } from '../index-records.ts'
import type { VersionedTags } from '../tag-records.ts'
import { type Backfills, backfills } from './backfill.ts'
import type { ReplicationConfig } from './config.ts'
import { replicationExecutor } from './executor.ts'
import type { Follower } from './follower.ts'
import { type Inbox, type InboxEntry, inbox } from './inbox.ts'
import { knownRules } from './known-rules.ts'
import { leases } from './leases.ts'
import type { Remote } from './remote.ts'
import { SHARDS, shardOfRepository } from './replication-keys.ts'
import { type ReplicationMetrics, replicationMetrics } from './replication-metrics.ts'
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
  readonly remotes: ReadonlyMap<string, Remote>
  /** The remotes, and whoever else follows the tags. */
  readonly followers: ReadonlyMap<string, Follower>
  /** Name of this cluster. */
  readonly cluster: string
}

/** Where tasks and leases lie, and what is to be done is announced. */
export interface ReplicationWork {
  readonly backend: Backend
  readonly records: IndexRecords
  readonly outbox: Outbox
}

/** Where changes of tags are announced. */
export interface Outbox {
  readonly inbox: Inbox
  /** Called before a tag is changed; see `AnnounceChange`. */
  readonly announce: AnnounceChange
  add(entry: Omit<InboxEntry, 'atMs'>, options?: AbortOptions): Promise<void>
  /** Called with the shard of whatever was added. */
  onAdded: (shard: number) => void
}

export function outbox(components: Parameters<typeof inbox>[0], followers: ReadonlyMap<string, Follower>): Outbox {
  const box = inbox(components)
  const out: Outbox = {
    inbox: box,
    async announce({ repository, tag }, options) {
      if (![...followers.values()].some((each) => each.mayWant(repository, tag))) return () => Promise.resolve()
      const entry = await box.add({ kind: 'change', repository, tag }, options)
      return async (within) => {
        await box.put({ ...entry, made: true }, within)
        out.onAdded(shardOfRepository(repository))
      }
    },
    async add(entry, options) {
      await box.add(entry, options)
      out.onAdded(shardOfRepository(entry.repository))
    },
    onAdded: () => undefined,
  }
  return out
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

export function replicator(components: ReplicatorComponents, config: ReplicationConfig): Replicator {
  const metrics = replicationMetrics(components.metrics)
  const { work: place, tags, remotes, followers } = components
  if (place === undefined || tags === undefined) return nothing
  const rules = knownRules({ ...components, ...place })
  if (followers.size === 0) return { ...rules, desk: undefined }
  for (const remote of remotes.keys()) metrics.conflicts.with({ remote }).add(0)
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
    ...lifecycle([...followers.values(), rules, held, measuring]),
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
