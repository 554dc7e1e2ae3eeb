import type { Backend } from '../../../lib/backend/index.ts'
import {
  abortController,
  anySignal,
  type BackoffPolicy,
  type Clock,
  isAbort,
  type Random,
} from '../../../lib/base/index.ts'
import { durableJournal, type Journal, type JournalCounts, type Task } from '../../../lib/journal/index.ts'
import type { Tracer } from '../../../lib/telemetry/index.ts'
import { backendStorage } from './backend-storage.ts'
import type { Backfills } from './backfill.ts'
import { REPLICATE, type ReplicationExecutor, remoteOf } from './executor.ts'
import { farewell } from './given/farewell.ts'
import { Intake, type IntakeComponents } from './intake.ts'
import type { Lease } from './leases.ts'
import { replicationKeys } from './replication-keys.ts'
import { revival } from './revival.ts'
import type { HeldStatuses, Statuses } from './status.ts'

/** Pause between two looks into an inbox, when nobody says that there is something new. */
const LOOK_MS = 1_000
/** Tasks of one shard that are not dead; the inbox keeps what is more. */
const MAX_TASKS = 20_000
/** Of those, so many may be there before tags of a backfill wait outside: changes have room always. */
const MAX_BACKFILL_TASKS = 10_000
/** Dead tasks of one shard; of more, those that last ran the longest ago are forgotten. Their status stays. */
const MAX_DEAD = 5000

export interface ShardWorkComponents extends Omit<IntakeComponents, 'statuses' | 'executor'> {
  readonly statuses: Pick<Statuses, 'under'>
  /** Of one shard, while it is held. */
  readonly executorOf: (statuses: HeldStatuses) => ReplicationExecutor
  /** Called with the remote of each dead task that is forgotten. */
  readonly onForgotten: (remote: string) => void
  readonly backend: Backend
  readonly random: Random
  /** Default: no task is a trace. */
  readonly tracer?: Tracer | undefined
  readonly backfills: Backfills
}

export interface ShardWorkInit {
  readonly tagsAtOnce: number
  readonly retry: BackoffPolicy
  /** A dead task rests at least so long before it is tried again by itself, if its remote answers. */
  readonly reviveMs: number
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

  return {
    async run(lease) {
      const { shard, signal } = lease
      const statuses = components.statuses.under(lease)
      const executor = components.executorOf(statuses)
      const journal = await openJournal(components, init, { lease, executor })
      if (journal === undefined) return
      journals.set(shard, journal)
      const nap = new Nap(clock)
      naps.set(shard, nap)
      const walks = components.backfills.run(lease)
      const round = roundsOf({ ...components, statuses, executor }, journal, { lease, reviveMs: init.reviveMs })
      try {
        while (!signal.aborted) {
          await round().catch((err: unknown) => {
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

async function openJournal(
  components: ShardWorkComponents,
  init: ShardWorkInit,
  { lease, executor }: { readonly lease: Lease; readonly executor: ReplicationExecutor },
): Promise<Journal | undefined> {
  const { clock, logger, backend, random, tracer } = components
  const { shard, signal } = lease
  const storage = backendStorage({ backend, lease }, replicationKeys.tasks(shard))
  const onForgotten = ({ key, lastError }: Task) => {
    logger.warn('a dead task of the replication is forgotten: there are too many', { key, lastError })
    components.onForgotten(remoteOf({ key }))
  }
  const journal = durableJournal(
    { clock, random, logger, tracer, storage, executors: { [REPLICATE]: executor } },
    {
      ...{ concurrency: init.tagsAtOnce, groupOf: remoteOf, retry: init.retry, maxTasks: MAX_TASKS },
      dead: { most: MAX_DEAD, onForgotten },
    },
  )
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

/** A round ends what is for nobody any more. It takes changes and orders first; then tags of before, and tasks that were given up. */
function roundsOf(
  components: IntakeComponents,
  journal: Journal,
  { lease, reviveMs }: { readonly lease: Lease; readonly reviveMs: number },
): () => Promise<void> {
  const { shard, signal } = lease
  const changes = new Intake(components, journal, 'inbox')
  const before = new Intake(components, journal, 'backfill')
  const dead = revival(components, journal, { reviveMs })
  const gone = farewell(components, journal)
  return async () => {
    await gone.look({ signal })
    await changes.look(shard, { signal })
    const { waiting, running } = journal.counts()
    if (waiting + running >= MAX_BACKFILL_TASKS) return
    await before.look(shard, { signal })
    await dead.look({ signal })
  }
}

/** The pause between two looks into an inbox; it is over at once when somebody says so, also beforehand. */
class Nap {
  readonly #clock: Clock
  #woken = abortController()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  end(): void {
    this.#woken.abort()
  }

  async take({ signal }: { readonly signal: AbortSignal }): Promise<void> {
    try {
      await this.#clock.sleep(LOOK_MS, { signal: anySignal([this.#woken.signal, signal]) })
    } catch (err) {
      if (signal.aborted || !isAbort(err)) throw err
    } finally {
      if (this.#woken.signal.aborted) this.#woken = abortController()
    }
  }
}
