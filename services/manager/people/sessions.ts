import type { SessionRow } from '../../../lib/api/index.ts'
import { appError, type Clock, type Random } from '../../../lib/base/index.ts'
import { type ManagerDatabase, newId, type Reader, type Tx } from '../database/index.ts'
import type { Caller, CallingUser } from './caller.ts'
import { singleGrants } from './grants.ts'
import { grantsOfRoles } from './roles.ts'
import { newSecret, secretHash } from './shown-secrets.ts'
import type { SessionTable, UserTable } from './tables.ts'
import { rolesOf } from './users.ts'

/** Most sessions of one user; beyond it the one that was unused for the longest time ends. */
const MAX_SESSIONS = 100
/** A use is noted so often. */
const NOTE_MS = 60_000
const MAX_AGENT = 255

/** Where somebody signs in from. */
export interface Place {
  readonly address: string
  readonly agent: string
}

/** Browsers in which somebody is signed in. */
export interface Sessions {
  /** In a transaction that others share; the text for the cookie. */
  open(tx: Tx, userId: string, place: Place): Promise<{ readonly value: string; readonly expiresAtMs: number }>
  /** Who shows this text of a cookie; undefined when nobody is signed in by it (any more). */
  find(value: string): Promise<Caller | undefined>
  /** The same; but it is no use of the session, which may end without one. */
  look(value: string): Promise<Caller | undefined>
  /** Of a user, the newest first. */
  of(userId: string, currentId: string): Promise<readonly SessionRow[]>
  /** @throws NOT_FOUND */
  end(caller: Pick<Caller, 'actor'>, user: CallingUser, id: string): Promise<void>
  /** Forgets those that have ended by themselves. */
  sweep(): Promise<void>
}

export interface SessionTimes {
  /** Without a use, and at all. */
  readonly idle: number
  readonly longest: number
}

export interface SessionsComponents {
  readonly database: ManagerDatabase
  readonly clock: Pick<Clock, 'now'>
  readonly random: Random
}

/** What is known of the user whom a session or a token belongs to. */
export async function callingUserOf(db: Reader, user: Pick<UserTable, 'id' | 'name' | 'password'>) {
  const roles = (await rolesOf(db, [user.id])).get(user.id) ?? []
  const calling: CallingUser = { id: user.id, name: user.name, roles, hasPassword: user.password !== null }
  return { user: calling, grants: singleGrants(await grantsOfRoles(db, roles)) }
}

/** Of the sessions that a user has, those that were unused for the longest time make room for one more. */
async function makeRoom(tx: Tx, userId: string): Promise<void> {
  const all = tx.selectFrom('sessions').select('id').where('userId', '=', userId)
  const tooMany = (await all.orderBy('usedAtMs', 'desc').execute()).slice(MAX_SESSIONS - 1).map(({ id }) => id)
  if (tooMany.length > 0) await tx.deleteFrom('sessions').where('id', 'in', tooMany).execute()
}

class SessionList implements Sessions {
  readonly #components: SessionsComponents
  readonly #times: SessionTimes

  constructor(components: SessionsComponents, times: SessionTimes) {
    this.#components = components
    this.#times = times
  }

  async open(tx: Tx, userId: string, { address, agent }: Place) {
    const { clock, random } = this.#components
    const value = newSecret(random)
    const nowMs = clock.now()
    const expiresAtMs = nowMs + this.#times.longest
    await makeRoom(tx, userId)
    const row: SessionTable = {
      ...{ id: newId({ clock, random }), hash: secretHash(value), userId, createdAtMs: nowMs, usedAtMs: nowMs },
      ...{ expiresAtMs, address, agent: agent.slice(0, MAX_AGENT) },
    }
    await tx.insertInto('sessions').values(row).execute()
    await tx.updateTable('users').set({ signedInAtMs: nowMs }).where('id', '=', userId).execute()
    return { value, expiresAtMs }
  }

  find(value: string) {
    return this.#find(value, 'used')
  }

  look(value: string) {
    return this.#find(value)
  }

  async #find(value: string, used?: 'used'): Promise<Caller | undefined> {
    const { database, clock } = this.#components
    const row = await database.read
      .selectFrom('sessions')
      .innerJoin('users', 'users.id', 'sessions.userId')
      .select(['sessions.id as sessionId', 'usedAtMs', 'expiresAtMs', 'users.id as id', 'name', 'password'])
      .where('sessions.hash', '=', secretHash(value))
      .where('disabled', '=', 0)
      .executeTakeFirst()
    if (row === undefined || this.#isOver(row)) return undefined
    if (used !== undefined && clock.now() - row.usedAtMs >= NOTE_MS) await this.#note(row.sessionId)
    const { user, grants } = await callingUserOf(database.read, row)
    const { sessionId, expiresAtMs } = row
    return { actor: `user:${user.name}`, kind: 'user', grants, user, sessionId, expiresAtMs }
  }

  async of(userId: string, currentId: string) {
    const all = this.#components.database.read.selectFrom('sessions').selectAll().where('userId', '=', userId)
    const rows = await all.orderBy('id', 'desc').execute()
    return rows
      .filter((row) => !this.#isOver(row))
      .map(({ hash: _, userId: __, ...row }) => ({ ...row, current: row.id === currentId }))
  }

  end(caller: Pick<Caller, 'actor'>, user: CallingUser, id: string) {
    const entry = { actor: caller.actor, action: 'session.end', target: user.name }
    return this.#components.database.change(entry, async (tx) => {
      const all = tx.deleteFrom('sessions').where('id', '=', id)
      const { numDeletedRows } = await all.where('userId', '=', user.id).executeTakeFirst()
      if (numDeletedRows === 0n) throw appError('NOT_FOUND')
    })
  }

  async sweep() {
    const { database, clock } = this.#components
    const nowMs = clock.now()
    const { idle } = this.#times
    await database.keep((tx) =>
      tx
        .deleteFrom('sessions')
        .where((each) => each.or([each('expiresAtMs', '<=', nowMs), each('usedAtMs', '<=', nowMs - idle)]))
        .execute(),
    )
  }

  #isOver({ usedAtMs, expiresAtMs }: Pick<SessionTable, 'usedAtMs' | 'expiresAtMs'>): boolean {
    return this.#components.clock.now() >= Math.min(expiresAtMs, usedAtMs + this.#times.idle)
  }

  async #note(id: string): Promise<void> {
    const { database, clock } = this.#components
    const usedAtMs = clock.now()
    await database.keep((tx) => tx.updateTable('sessions').set({ usedAtMs }).where('id', '=', id).execute())
  }
}

export const sessionList = (components: SessionsComponents, times: SessionTimes): Sessions =>
  new SessionList(components, times)
