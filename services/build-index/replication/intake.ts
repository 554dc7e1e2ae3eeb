import type { ReplicationState } from '../../../lib/api/index.ts'
import { type AbortOptions, type Clock, hasCode } from '../../../lib/base/index.ts'
import type { Journal } from '../../../lib/journal/index.ts'
import type { Logger } from '../../../lib/telemetry/index.ts'
import { REPLICATE, type ReplicationExecutor, taskKey } from './executor.ts'
import type { Follower } from './follower.ts'
import type { FollowerChanges } from './follower-changes.ts'
import type { FoundEntry, Inbox, InboxLane } from './inbox.ts'
import type { HeldStatuses, ReplicationTarget } from './status.ts'
import { newStatus } from './tag-status.ts'

/** A change that was announced so long ago is made by now, or never: it takes a minute at most. */
const OVERDUE_MS = 120_000
/**
 * While a config is rolled out, the build-indexes do not all know the same remotes: what names one that is unknown here
 * waits so long for somebody who knows it.
 */
export const ROLLOUT_MS = 3_600_000
/** Entries of one look; further ones come when these are done. */
const MAX_LOOKED = 2000
/** The same for tags of before, so that a look at changes is soon to follow. */
const MAX_BACKFILL_LOOKED = 200
/** Entries for unknown remotes that one look passes, besides those. They are not read again before their time. */
const MAX_PASSED = 10_000

export interface IntakeComponents {
  readonly clock: Clock
  readonly logger: Logger
  readonly inbox: Inbox
  readonly statuses: HeldStatuses
  readonly followers: ReadonlyMap<string, Follower>
  readonly changes: FollowerChanges
  readonly executor: ReplicationExecutor
}

/** Makes tasks of what is in one lane of the inbox. */
export class Intake {
  readonly #components: IntakeComponents
  readonly #journal: Journal
  readonly #lane: InboxLane
  /** Entries that cannot be taken yet: since when they are known here. */
  readonly #awaited = new Map<string, number>()
  /** Entries for remotes that are unknown here: until when they wait for somebody else, on the monotonic clock. */
  readonly #parked = new Map<string, number>()
  /** Fires when those may be known now. */
  #changed: AbortSignal | undefined

  constructor(components: IntakeComponents, journal: Journal, lane: InboxLane) {
    this.#components = components
    this.#journal = journal
    this.#lane = lane
  }

  /** An entry that fails is tried again with the next look, and keeps no other one from being taken. */
  async look(shard: number, options: AbortOptions): Promise<void> {
    const { inbox, clock, changes } = this.#components
    const lane = this.#lane
    if (this.#changed?.aborted === true) this.#parked.clear()
    this.#changed = changes.next
    const seen = new Set<string>()
    const turn = { isFull: false }
    const most = lane === 'inbox' ? MAX_LOOKED : MAX_BACKFILL_LOOKED
    let passed = 0
    const skips = (key: string) => {
      if ((this.#parked.get(key) ?? 0) <= clock.monotonicMs()) return false
      seen.add(key)
      passed += 1
      return true
    }
    for (let after: string | undefined, looked = 0; looked < most && passed < MAX_PASSED; ) {
      const { entries, next } = await inbox.look(shard, { ...options, after, lane, skips })
      if (entries.length > 0) await changes.fresh(options)
      for (const entry of entries) {
        seen.add(entry.key)
        // With a full journal only what makes room is taken.
        if (!turn.isFull || entry.kind === 'cancel') await this.#tryTake(entry, turn, options)
      }
      if (next === undefined) break
      after = next
      looked += entries.length
    }
    for (const known of [this.#awaited, this.#parked])
      for (const key of known.keys()) if (!seen.has(key)) known.delete(key)
  }

  async #tryTake(entry: FoundEntry, turn: { isFull: boolean }, options: AbortOptions): Promise<void> {
    try {
      await this.#take(entry, options)
    } catch (err) {
      if (options.signal?.aborted === true) throw err
      turn.isFull = hasCode(err, 'JOURNAL_FULL')
      const message = 'an order for the replication could not be taken; it is tried again'
      this.#components.logger.warn(message, { key: entry.key, err })
    }
  }

  async #take(entry: FoundEntry, options: AbortOptions): Promise<void> {
    const { inbox } = this.#components
    if (!this.#isReady(entry)) return
    const [known, unknown] = await this.#remotesNow(entry, options)
    for (const remote of known) await this.#takeFor(entry, remote, options)
    const leftMs = unknown.length === 0 ? 0 : ROLLOUT_MS - this.#ageMs(entry)
    if (leftMs <= 0) return inbox.remove(entry.key, options)
    if (known.length > 0) await inbox.put({ ...entry, remotes: unknown }, options)
    this.#parked.set(entry.key, this.#components.clock.monotonicMs() + leftMs)
  }

  /** Whether the change is made; its writer says so, or has had the time to make it. */
  #isReady(entry: FoundEntry): boolean {
    return entry.kind !== 'change' || entry.made === true || this.#waitedMs(entry) >= OVERDUE_MS
  }

  #waitedMs({ key }: FoundEntry): number {
    const nowMs = this.#components.clock.monotonicMs()
    const sinceMs = this.#awaited.get(key) ?? nowMs
    this.#awaited.set(key, sinceMs)
    return nowMs - sinceMs
  }

  /** Since it was written, which may be long before it was seen here; at least since then, as clocks may differ. */
  #ageMs(entry: FoundEntry): number {
    const writtenMs = this.#components.clock.now() - entry.atMs
    return Math.max(this.#waitedMs(entry), Number.isFinite(writtenMs) ? writtenMs : 0)
  }

  /** As `#remotesOf`, without those that are gone. One that was given again meanwhile is none of them. */
  async #remotesNow(entry: FoundEntry, options: AbortOptions): Promise<readonly [string[], string[]]> {
    const { changes } = this.#components
    const found = this.#remotesOf(entry)
    if (!found[1].some((name) => changes.isGone(name))) return found
    await changes.look(options)
    const [known, unknown] = this.#remotesOf(entry)
    return [known, unknown.filter((name) => !changes.isGone(name))]
  }

  /** The remotes that the entry is for, and those that this build-index does not know. */
  #remotesOf({ remotes: named, repository, tag }: FoundEntry): readonly [string[], string[]] {
    const { followers } = this.#components
    if (named !== undefined)
      return [named.filter((name) => followers.has(name)), named.filter((name) => !followers.has(name))]
    return [[...followers.values()].filter((each) => each.mayWant(repository, tag)).map(({ name }) => name), []]
  }

  async #takeFor({ kind, repository, tag }: FoundEntry, remote: string, options: AbortOptions): Promise<void> {
    const { statuses, clock, followers } = this.#components
    const target: ReplicationTarget = { remote, repository, tag }
    if (kind === 'cancel') return this.#cancel(target, options)
    const before = (await statuses.get(target, options)) ?? newStatus(target, clock.now())
    // What somebody has cancelled does not come back with a search for tags of before.
    if (kind === 'backfill' && before.state === 'cancelled') return
    if (before.state !== 'running') {
      await statuses.set(target, { ...before, state: 'waiting', updatedAtMs: clock.now() }, options)
    }
    const delayMs = followers.get(remote)?.opensInMs() ?? 0
    const task = { kind: REPLICATE, key: taskKey(target), payload: {}, delayMs, background: kind === 'backfill' }
    const { id } = await this.#journal.add(task)
    if (kind === 'now') await this.#journal.retry(id)
  }

  /**
   * Its run is over before the status says that it is cancelled, so that a run writes nothing over that, nor over what
   * the next order makes of it. A task that waits or is dead runs once more, and finds that it is cancelled.
   */
  async #cancel(target: ReplicationTarget, options: AbortOptions): Promise<void> {
    const { statuses, clock, executor } = this.#components
    await executor.cancel(target)
    const before = (await statuses.get(target, options)) ?? newStatus(target, clock.now())
    const task = this.#journal.find(REPLICATE, taskKey(target))
    if (task === undefined && isOver(before.state)) return
    await statuses.set(target, { ...before, state: 'cancelled', uploads: [], updatedAtMs: clock.now() }, options)
    if (task === undefined) return
    await this.#journal.retry(task.id).catch((err: unknown) => {
      if (!hasCode(err, 'TASK_UNKNOWN')) throw err
    })
  }
}

const isOver = (state: ReplicationState) => state === 'done' || state === 'lost'
