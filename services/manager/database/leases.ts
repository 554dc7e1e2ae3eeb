import { sql } from 'kysely'
import {
  abortController,
  anySignal,
  appError,
  type Clock,
  hasCode,
  isAbort,
  livenessOf,
  ownIdentity,
  type Random,
  rounds,
  type Startable,
  slots,
  throwIfAborted,
} from '../../../lib/base/index.ts'
import type { Logger, Metrics } from '../../../lib/telemetry/index.ts'
import type { AuditEntry, ManagerDatabase, Tx } from './database.ts'

/** A duty that this manager has. Whoever works for it writes through this: a holder that has lost it writes nothing more. */
export interface HeldLease {
  /** Grows with each holder. */
  readonly term: number
  /** As in the database. @throws LEASE_LOST, and nothing is written */
  keep<T>(work: (tx: Tx) => Promise<T>): Promise<T>
  /** As in the database. @throws LEASE_LOST, and nothing is written */
  change<T>(entry: AuditEntry, work: (tx: Tx) => Promise<T>): Promise<T>
}

/** Duties of which each has one holder among all managers of a database. */
export interface Leases {
  /**
   * A part that does `work` for as long as this manager has the duty; `signal` fires when it has lost it or is stopped. `work`
   * that ends is begun again at the next look.
   */
  duty(name: string, work: Work): Startable
}

type Work = (lease: HeldLease, signal: AbortSignal) => Promise<void>

export interface LeasesComponents {
  readonly database: Pick<ManagerDatabase, 'read' | 'keep' | 'change'>
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly metrics: Metrics
}

export interface LeaseTimes {
  /** Pause between two looks of whoever waits, and two signs of life of a holder. */
  readonly beatMs: number
  /** A holder that has given no sign of life for so long is succeeded. */
  readonly ttlMs: number
}

const USUAL: LeaseTimes = { beatMs: 3_000, ttlMs: 15_000 }
/** A holder stops so long before it can be succeeded. */
const MARGIN = 0.6
const ID_BYTES = 12

/** What somebody else's lease looked like, and since when it has looked so: no clock of anybody is compared with another's. */
interface Seen {
  readonly term: number
  readonly beat: number
  readonly sinceMs: number
  /** Its process was one of this machine, and is gone. */
  readonly isDead: boolean
}

/** Takes the row in this transaction, so that no successor comes between here and its end. @throws LEASE_LOST */
async function fence(tx: Tx, { name, term, holder }: OwnLease): Promise<void> {
  const { numUpdatedRows } = await tx
    .updateTable('leases')
    .set({ beat: sql<number>`${sql.ref('beat')} + 1` })
    .where('name', '=', name)
    .where('term', '=', term)
    .where('holder', '=', holder)
    .executeTakeFirst()
  if (numUpdatedRows !== 1n) throw appError('LEASE_LOST', { detail: { duty: name } })
}

interface OwnLease {
  readonly name: string
  readonly term: number
  readonly holder: string
}

/**
 * What a holder writes by, which checks each time that it has the lease. Each such write changes the row of the lease, so of two at
 * the same time one would be in the way of the other: they go one after the other, in their order.
 */
const heldLease = (database: LeasesComponents['database'], own: OwnLease): HeldLease => {
  const turns = slots(1)
  const fenced =
    <T>(part: (tx: Tx) => Promise<T>) =>
    async (tx: Tx): Promise<T> => {
      await fence(tx, own)
      return part(tx)
    }
  return {
    term: own.term,
    keep: (part) => turns.run(() => database.keep(fenced(part))),
    change: (entry, part) => turns.run(() => database.change(entry, fenced(part))),
  }
}

function dutyMeters(metrics: Metrics) {
  const duties = metrics.gauge(
    { name: 'shoal_manager_duties', help: 'Duties of managers, by whether this one has them: 1 or 0.' },
    ['duty'],
  )
  const lost = metrics.counter(
    {
      name: 'shoal_manager_duties_lost_total',
      help: 'Duties that this manager had and could not keep: another one took them, or the database was away for long.',
    },
    ['duty'],
  )
  return {
    held(duty: string, has: boolean) {
      duties.with({ duty }).set(has ? 1 : 0)
      lost.with({ duty }).add(0)
    },
    lost: (duty: string) => lost.with({ duty }).add(),
  }
}

class SharedDuties implements Leases {
  readonly #components: LeasesComponents
  readonly #times: LeaseTimes
  readonly #id: string
  readonly #meters: ReturnType<typeof dutyMeters>
  #holder: string | undefined

  constructor(components: LeasesComponents, times: LeaseTimes) {
    this.#components = components
    this.#times = times
    this.#meters = dutyMeters(components.metrics)
    this.#id = Buffer.from(components.random.bytes(ID_BYTES)).toString('hex')
  }

  duty(name: string, work: Work): Startable {
    const { clock, logger } = this.#components
    this.#meters.held(name, false)
    let seen: Seen | undefined
    return rounds(clock, {
      retryMs: this.#times.beatMs,
      onFailure: (err) => logger.warn('failed at a duty of this manager', { duty: name, err }),
      work: async (signal) => {
        const own = await this.#take(name, seen)
        if (own === undefined) {
          seen = await this.#look(name, seen)
          return seen?.isDead === true ? 0 : this.#times.beatMs
        }
        seen = undefined
        if (signal.aborted) await this.#release(own)
        throwIfAborted(signal)
        logger.info('has a duty now', { duty: name, term: own.term })
        this.#meters.held(name, true)
        await this.#serve(own, work, signal).finally(() => this.#meters.held(name, false))
        throwIfAborted(signal)
        return this.#times.beatMs
      },
    })
  }

  /** The process, so that others on this machine can see whether it lives, and what tells two managers in it apart. */
  async #ownHolder(): Promise<string> {
    this.#holder ??= `${await ownIdentity()} ${this.#id}`
    return this.#holder
  }

  /** Undefined while somebody else has it. */
  async #take(name: string, seen: Seen | undefined): Promise<OwnLease | undefined> {
    const { database, clock } = this.#components
    const holder = await this.#ownHolder()
    const isSilent = seen !== undefined && clock.monotonicMs() - seen.sinceMs >= this.#times.ttlMs
    const isDead = seen?.isDead === true
    const term = await database.keep(async (tx) => {
      const row = await tx.selectFrom('leases').selectAll().where('name', '=', name).executeTakeFirst()
      if (row === undefined) {
        await tx.insertInto('leases').values({ name, holder, term: 1, beat: 1 }).execute()
        return 1
      }
      const isAsSeen = row.beat === seen?.beat && row.term === seen.term
      if (row.holder !== '' && !(isAsSeen && (isSilent || isDead))) return undefined
      const next = row.term + 1
      await tx.updateTable('leases').set({ holder, term: next, beat: 1 }).where('name', '=', name).execute()
      return next
    })
    return term === undefined ? undefined : { name, term, holder }
  }

  async #look(name: string, seen: Seen | undefined): Promise<Seen | undefined> {
    const { database, clock } = this.#components
    const row = await database.read.selectFrom('leases').selectAll().where('name', '=', name).executeTakeFirst()
    if (row === undefined) return undefined
    const { term, beat, holder } = row
    const [process = ''] = holder.split(' ')
    const isDead = (await livenessOf(process, await ownIdentity())) === 'dead'
    const isSame = seen !== undefined && seen.term === term && seen.beat === beat
    return { term, beat, isDead, sinceMs: isSame ? seen.sinceMs : clock.monotonicMs() }
  }

  async #serve(own: OwnLease, work: Work, signal: AbortSignal): Promise<void> {
    const { database } = this.#components
    const over = abortController()
    const until = anySignal([signal, over.signal])
    const lease = heldLease(database, own)
    const living = this.#live(own, lease, until).finally(() => over.abort())
    const working = work(lease, until).finally(() => over.abort())
    const [life, end] = await Promise.allSettled([living, working])
    await this.#release(own)
    for (const outcome of [end, life])
      if (outcome.status === 'rejected' && !isAbort(outcome.reason)) throw outcome.reason
  }

  /** Gives signs of life until the signal fires, or until one has failed for too long. */
  async #live({ name }: OwnLease, lease: HeldLease, signal: AbortSignal): Promise<void> {
    const { clock } = this.#components
    const { beatMs, ttlMs } = this.#times
    let sinceMs = clock.monotonicMs()
    while (!signal.aborted) {
      await clock.sleep(beatMs, { signal })
      const atMs = clock.monotonicMs()
      try {
        await lease.keep(async () => undefined)
        sinceMs = atMs
      } catch (err) {
        if (hasCode(err, 'LEASE_LOST') || clock.monotonicMs() - sinceMs >= ttlMs * MARGIN) {
          this.#meters.lost(name)
          throw err
        }
      }
    }
  }

  /** So that the next one does not wait; without it, the lease is over soon by itself. */
  async #release(own: OwnLease): Promise<void> {
    const free = async (tx: Tx) => {
      await fence(tx, own)
      await tx.updateTable('leases').set({ holder: '' }).where('name', '=', own.name).execute()
    }
    await this.#components.database.keep(free).catch(() => undefined)
  }
}

/** Duties that the managers of a database share. */
export const leases = (components: LeasesComponents, times: LeaseTimes = USUAL): Leases =>
  new SharedDuties(components, times)
