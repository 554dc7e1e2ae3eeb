import { Kysely, type Transaction } from 'kysely'
import { appError, type Clock, type Random, type Startable } from '../../../lib/base/index.ts'
import { newId } from './ids.ts'
import { libsqlDialect } from './libsql.ts'
import { migrate } from './migrate.ts'
import type { Tables } from './tables.ts'

/** What a change is told as in the audit; nothing of it may be a secret. */
export interface AuditEntry {
  readonly actor: string
  /** `resource.verb`, such as `user.create`. */
  readonly action: string
  readonly target: string
  readonly detail?: unknown
}

/** A transaction. */
export type Tx = Transaction<Tables>
/** Reads alone. */
export type Reader = Pick<Kysely<Tables>, 'selectFrom' | 'with' | 'fn' | 'dynamic'>

/** The database of a manager. Nothing is written but in `change` and `keep`. */
export interface ManagerDatabase extends Startable {
  readonly read: Reader
  /** A change that somebody asked for: it and its row in the audit are both durable when this returns, or neither is. */
  change<T>(entry: AuditEntry, work: (tx: Tx) => Promise<T>): Promise<T>
  /** What the manager notes for itself, such as when it has seen whom. */
  keep<T>(work: (tx: Tx) => Promise<T>): Promise<T>
}

export interface DatabaseComponents {
  readonly clock: Clock
  readonly random: Random
}

export interface DatabaseInit {
  readonly folder: string
}

export function managerDatabase({ clock, random }: DatabaseComponents, { folder }: DatabaseInit): ManagerDatabase {
  let db: Kysely<Tables> | undefined
  const opened = (): Kysely<Tables> => {
    if (db === undefined) throw appError('SHUTTING_DOWN')
    return db
  }
  const keep = <T>(work: (tx: Tx) => Promise<T>): Promise<T> => opened().transaction().execute(work)
  return {
    get read() {
      return opened()
    },
    change: ({ actor, action, target, detail }, work) =>
      keep(async (tx) => {
        const done = await work(tx)
        const told = detail === undefined ? null : JSON.stringify(detail)
        const row = { id: newId({ clock, random }), atMs: Math.floor(clock.now()), actor, action, target, detail: told }
        await tx.insertInto('audit').values(row).execute()
        return done
      }),
    keep,
    async start() {
      if (db !== undefined) return
      const opening = new Kysely<Tables>({ dialect: libsqlDialect(folder) })
      try {
        await migrate(opening as Kysely<never>)
      } catch (err) {
        await opening.destroy().catch(() => undefined)
        throw err
      }
      db = opening
    },
    async stop() {
      const open = db
      db = undefined
      await open?.destroy()
    },
  }
}
