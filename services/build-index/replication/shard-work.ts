import type { Backend } from '../../../lib/backend/index.ts'
import { type BackoffPolicy, type Clock, isAbort, type Random } from '../../../lib/base/index.ts'
import { durableJournal, type Journal, type JournalCounts } from '../../../lib/journal/index.ts'
import { backendStorage } from './backend-storage.ts'
import type { Backfills } from './backfill.ts'
import { REPLICATE } from './executor.ts'
import { Intake, type IntakeComponents } from './intake.ts'
import type { Lease } from './leases.ts'
import { replicationKeys } from './replication-keys.ts'

/** Pause between two looks into an inbox, when nobody says that there is something new. */
const LOOK_MS = 1_000
/** Tasks of one shard; the inbox keeps what is more. */
const MAX_TASKS = 20_000

export interface ShardWorkComponents extends IntakeComponents {
  readonly backend: Backend
  readonly random: Random
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
    const storage = backendStorage({ backend, lease }, replicationKeys.tasks(shard))
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
