import { Kysely, type Transaction } from 'kysely'
import { appError, backoffMs, hasCode, type Random, type Startable } from '../../../lib/base/index.ts'
import { changeMeters } from './change-meters.ts'
import { type Dialects, type DialectsComponents, type DialectsInit, dialectsOf } from './dialects.ts'
import { newId } from './ids.ts'
import { migrate } from './migrate.ts'
import type { Tables } from './tables.ts'

/** What a change is told as in the audit; nothing of it may be a secret. */
export interface AuditEntry {
  readonly actor: string
  /** `resource.verb`, such as `user.create`. */
  readonly action: string
  readonly target: string
  readonly detail?: unknown
  /** Of its row; default: a new one. */
  readonly id?: string
  /** Of what is asked of another service once the row is there. */
  readonly outcome?: 'unknown'
}

/** A transaction. */
export type Tx = Transaction<Tables>
/** Reads alone. */
export type Reader = Pick<Kysely<Tables>, 'selectFrom' | 'with' | 'fn' | 'dynamic'>

/**
 * The database of a manager. Nothing is written but in `change` and `keep`. Transactions are as if they ran one after the other:
 * where another one was in the way, `work` runs again, so it does nothing but read and write by its `tx`. `read` is outside of them.
 * Everything throws DATABASE_UNAVAILABLE, DATABASE_FULL and DATABASE_BUSY, after which nothing is changed, and NAME_TAKEN for
 * what must be unique and is not.
 */
export interface ManagerDatabase extends Startable {
  readonly read: Reader
  /** A change that somebody asked for: it and its row in the audit are both durable when this returns, or neither is. */
  change<T>(entry: AuditEntry, work: (tx: Tx) => Promise<T>): Promise<T>
  /** What the manager notes for itself, such as when it has seen whom. */
  keep<T>(work: (tx: Tx) => Promise<T>): Promise<T>
  /** Several reads of one moment. */
  snapshot<T>(work: (tx: Reader) => Promise<T>): Promise<T>
  /** Rows that one statement may look at before others have their turn; undefined: any number. */
  readonly rowsAtOnce: number | undefined
  /** Why it does not work now, as far as the last statement says; undefined when it does. */
  problem(): string | undefined
}

export interface DatabaseComponents extends DialectsComponents {
  readonly random: Random
}

export interface DatabaseInit extends DialectsInit {
  /** Last step of the tables; default: the present one. */
  readonly upTo?: string
}

/** How often a transaction is tried that others are in the way of. */
const TRIES = 10
const PAUSES = { baseMs: 5, maxMs: 250, attempts: TRIES }

interface Opened {
  readonly write: Kysely<Tables>
  readonly read: Kysely<Tables>
}

async function open({ write, read }: Dialects, upTo: string | undefined): Promise<Opened> {
  const writing = new Kysely<Tables>({ dialect: write })
  try {
    await migrate(writing, upTo)
  } catch (err) {
    await writing.destroy().catch(() => undefined)
    throw err
  }
  return { write: writing, read: read === undefined ? writing : new Kysely<Tables>({ dialect: read }) }
}

/** Done again as long as others are in the way, after a pause; ten times in all. */
async function withTries<T>({ clock, random }: DatabaseComponents, work: () => Promise<T>): Promise<T> {
  for (let tried = 1; ; tried += 1) {
    try {
      return await work()
    } catch (err) {
      if (!hasCode(err, 'DATABASE_BUSY') || tried === TRIES) throw err
      await clock.sleep(backoffMs(PAUSES, tried, random))
    }
  }
}

export function managerDatabase(components: DatabaseComponents, init: DatabaseInit): ManagerDatabase {
  const { clock, random } = components
  const dialects = dialectsOf(components, init)
  const counted = changeMeters(components.metrics)
  let opened: Opened | undefined
  const now = (): Opened => {
    if (opened === undefined) throw appError('SHUTTING_DOWN')
    return opened
  }
  const keep: ManagerDatabase['keep'] = (work) =>
    withTries(components, () => now().write.transaction().setIsolationLevel('serializable').execute(work))
  return {
    get read() {
      return now().read
    },
    keep,
    change: ({ actor, action, target, detail, id, outcome }, work) =>
      counted(
        keep(async (tx) => {
          const done = await work(tx)
          const told = detail === undefined ? null : JSON.stringify(detail)
          const atMs = Math.floor(clock.now())
          const what = { actor, action, target, detail: told, outcome: outcome ?? null }
          const row = { id: id ?? newId({ clock, random }), atMs, ...what }
          await tx.insertInto('audit').values(row).execute()
          return done
        }),
      ),
    snapshot: (work) =>
      now().read.transaction().setIsolationLevel('repeatable read').setAccessMode('read only').execute(work),
    rowsAtOnce: dialects.rowsAtOnce,
    problem: () => dialects.problem(),
    async start() {
      opened ??= await withTries(components, () => open(dialects, init.upTo))
    },
    async stop() {
      const closing = opened
      opened = undefined
      if (closing === undefined) return
      await closing.write.destroy()
      if (closing.read !== closing.write) await closing.read.destroy()
    },
  }
}
