import type { Backend } from '../../../lib/backend/index.ts'
import {
  type AbortOptions,
  type BackoffPolicy,
  type Clock,
  hasCode,
  isAbort,
  type Random,
} from '../../../lib/base/index.ts'
import { durableJournal, type Journal, type JournalCounts } from '../../../lib/journal/index.ts'
import type { Logger } from '../../../lib/telemetry/index.ts'
import type { VersionedTags } from '../tag-records.ts'
import { backendStorage } from './backend-storage.ts'
import type { Backfills } from './backfill.ts'
import { REPLICATE, type ReplicationExecutor, taskKey } from './executor.ts'
import type { FoundEntry, Inbox } from './inbox.ts'
import type { Lease } from './leases.ts'
import type { Remote } from './remote.ts'
import { replicationKeys } from './replication-keys.ts'
import type { ReplicationTarget, Statuses } from './status.ts'
import { newStatus } from './tag-status.ts'

/** Pause between two looks into an inbox, when nobody says that there is something new. */
const LOOK_MS = 1_000
/** A change that was announced so long ago is made by now, or never: it takes a minute at most. */
const OVERDUE_MS = 120_000
/** Tasks of one shard; the inbox keeps what is more. */
const MAX_TASKS = 20_000

export interface ShardWorkComponents {
  readonly backend: Backend
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly tags: VersionedTags
  readonly inbox: Inbox
  readonly statuses: Statuses
  readonly remotes: ReadonlyMap<string, Remote>
  readonly executor: ReplicationExecutor
  readonly backfills: Backfills
}

export interface ShardWorkInit {
  readonly tagsAtOnce: number
  readonly retry: BackoffPolicy
}

/** The work of the shards that this process holds. */
export interface ShardWork {
  /** Does the work of one shard until the lease ends. */
  run(lease: Lease): Promise<void>
  /** There is something in the inbox of the shard: it is looked at without delay, if it is held here. */
  nudge(shard: number): void
  counts(): readonly JournalCounts[]
}

export function shardWork(components: ShardWorkComponents, init: ShardWorkInit): ShardWork {
  const { clock, logger } = components
  const journals = new Map<number, Journal>()
  const naps = new Map<number, Nap>()

  const openJournal = async (lease: Lease): Promise<Journal | undefined> => {
    const { backend, random, executor } = components
    const { shard, signal } = lease
    const storage = backendStorage({ backend, isOwner: () => lease.isHeld() }, replicationKeys.tasks(shard))
    const parts = { clock, random, logger, storage, executors: { [REPLICATE]: executor } }
    const journal = durableJournal(parts, { concurrency: init.tagsAtOnce, retry: init.retry, maxTasks: MAX_TASKS })
    while (!signal.aborted) {
      try {
        await journal.start()
        return journal
      } catch (err) {
        logger.warn('the tasks of a shard of the replication cannot be read now; it is tried again', { shard, err })
        await clock.sleep(LOOK_MS, { signal }).catch(() => undefined)
      }
    }
    return undefined
  }

  return {
    async run(lease) {
      const { shard, signal } = lease
      const journal = await openJournal(lease)
      if (journal === undefined) return
      journals.set(shard, journal)
      const nap = new Nap(clock)
      naps.set(shard, nap)
      const walks = components.backfills.run(lease)
      const intake = new Intake(components, journal)
      try {
        while (!signal.aborted) {
          await intake.look(shard, { signal }).catch((err: unknown) => {
            if (!signal.aborted)
              logger.warn('the inbox of the replication could not be emptied; it is tried again', { err })
          })
          await nap.take({ signal }).catch(() => undefined)
        }
      } finally {
        journals.delete(shard)
        naps.delete(shard)
        await Promise.all([walks, journal.close()])
      }
    },
    nudge: (shard) => naps.get(shard)?.end(),
    counts: () => [...journals.values()].map((journal) => journal.counts()),
  }
}

/** The pause between two looks into an inbox; it is over at once when somebody says so, also beforehand. */
class Nap {
  readonly #clock: Clock
  #woken = new AbortController()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  end(): void {
    this.#woken.abort()
  }

  async take({ signal }: { readonly signal: AbortSignal }): Promise<void> {
    try {
      await this.#clock.sleep(LOOK_MS, { signal: AbortSignal.any([this.#woken.signal, signal]) })
    } catch (err) {
      if (signal.aborted || !isAbort(err)) throw err
    } finally {
      if (this.#woken.signal.aborted) this.#woken = new AbortController()
    }
  }
}

/** Makes tasks of what is in the inbox. */
class Intake {
  readonly #components: ShardWorkComponents
  readonly #journal: Journal
  /** Changes that were announced and are not made yet: since when they are known here. */
  readonly #awaited = new Map<string, number>()

  constructor(components: ShardWorkComponents, journal: Journal) {
    this.#components = components
    this.#journal = journal
  }

  async look(shard: number, options: AbortOptions): Promise<void> {
    const entries = await this.#components.inbox.look(shard, options)
    const keys = new Set(entries.map(({ key }) => key))
    for (const key of this.#awaited.keys()) if (!keys.has(key)) this.#awaited.delete(key)
    for (const entry of entries) {
      if (!(await this.#isReady(entry, options))) continue
      for (const remote of this.#remotesOf(entry)) await this.#take(entry, remote, options)
      await this.#components.inbox.remove(entry.key, options)
    }
  }

  /** Whether the change is made: the tag is what it was to become, or has a version of later. */
  async #isReady({ kind, key, repository, tag, digest, atMs }: FoundEntry, options: AbortOptions): Promise<boolean> {
    if (kind !== 'change') return true
    const nowMs = this.#components.clock.monotonicMs()
    const sinceMs = this.#awaited.get(key) ?? nowMs
    this.#awaited.set(key, sinceMs)
    if (nowMs - sinceMs >= OVERDUE_MS) return true
    const record = await this.#components.tags.read(repository, tag, options)
    if (record === undefined) return false
    return record.target?.digest === digest || record.version.atMs >= atMs
  }

  #remotesOf({ remotes: named, repository, tag }: FoundEntry): readonly string[] {
    const { remotes } = this.#components
    if (named !== undefined) return named.filter((name) => remotes.has(name))
    return [...remotes.values()].filter((remote) => remote.mayWant(repository, tag)).map(({ name }) => name)
  }

  async #take({ kind, repository, tag }: FoundEntry, remote: string, options: AbortOptions): Promise<void> {
    const { statuses, clock, executor, remotes } = this.#components
    const target: ReplicationTarget = { remote, repository, tag }
    const before = (await statuses.get(target, options)) ?? newStatus(target, clock.now())
    if (kind === 'cancel') {
      await statuses.set(target, { ...before, state: 'cancelled', uploads: [], updatedAtMs: clock.now() }, options)
      executor.cancel(target)
      await this.#endTask(target)
      return
    }
    if (before.state !== 'running') {
      await statuses.set(target, { ...before, state: 'waiting', updatedAtMs: clock.now() }, options)
    }
    const delayMs = remotes.get(remote)?.opensInMs() ?? 0
    const { id } = await this.#journal.add({ kind: REPLICATE, key: taskKey(target), payload: {}, delayMs })
    if (kind === 'now') await this.#journal.retry(id)
  }

  /** A task that waits or is dead runs once more, and finds that it is cancelled. */
  async #endTask(target: ReplicationTarget): Promise<void> {
    const key = taskKey(target)
    const found = this.#journal.find(REPLICATE, key)
    if (found === undefined) return
    await this.#journal.retry(found.id).catch((err: unknown) => {
      if (!hasCode(err, 'TASK_UNKNOWN')) throw err
    })
  }
}
