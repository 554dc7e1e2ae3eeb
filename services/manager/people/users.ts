import type { UserRow } from '../../../lib/api/index.ts'
import { appError, type Clock, type Random } from '../../../lib/base/index.ts'
import type { PageRequest } from '../../../lib/http/index.ts'
import { type ManagerDatabase, newId, type Reader, type Tx } from '../database/index.ts'
import { type Caller, requireCovered } from './caller.ts'
import { ADMIN_ROLE } from './grants.ts'
import { grantsOfRoles } from './roles.ts'
import type { UserTable } from './tables.ts'

/** More than one manager has to know. */
const MAX_USERS = 100_000

/** Who may sign in. */
export interface Users {
  /** By name. */
  page(asked: PageRequest): Promise<{ readonly users: readonly UserRow[]; readonly next?: string }>
  get(name: string): Promise<UserRow | undefined>
  /** `password` is a hash. @throws NAME_TAKEN, ROLE_UNKNOWN, RIGHTS_EXCEEDED, PEOPLE_FULL */
  create(caller: Caller, user: NewUser): Promise<UserRow>
  /**
   * `check` sees what there was and may throw. Whoever is disabled is signed out in the same transaction.
   * @throws USER_UNKNOWN, ROLE_UNKNOWN, RIGHTS_EXCEEDED, LAST_ADMIN
   */
  change(caller: Caller, name: string, change: UserChange, check: (before: UserRow) => void): Promise<UserRow>
  /** `password` is a hash. Ends the sessions of the user. @throws USER_UNKNOWN, RIGHTS_EXCEEDED, PASSWORD_ELSEWHERE */
  setPassword(caller: Caller, name: string, password: string): Promise<void>
  /** @throws USER_UNKNOWN, RIGHTS_EXCEEDED */
  endSessions(caller: Caller, name: string): Promise<void>
  /** With all sessions and tokens. @throws USER_UNKNOWN, RIGHTS_EXCEEDED, LAST_ADMIN */
  remove(caller: Caller, name: string): Promise<void>
}

export interface NewUser {
  readonly name: string
  readonly roles: readonly string[]
  readonly password?: string | undefined
  readonly provider?: { readonly name: string; readonly subject: string } | undefined
}

export interface UserChange {
  readonly roles?: readonly string[] | undefined
  readonly disabled?: boolean | undefined
}

export interface UsersComponents {
  readonly database: ManagerDatabase
  readonly clock: Pick<Clock, 'now'>
  readonly random: Random
}

/** The roles of users, by their ids, each list by name. */
export async function rolesOf(db: Reader, ids: readonly string[]): Promise<ReadonlyMap<string, readonly string[]>> {
  if (ids.length === 0) return new Map()
  const rows = await db.selectFrom('userRoles').selectAll().where('userId', 'in', ids).orderBy('role').execute()
  const byUser = new Map<string, string[]>()
  for (const { userId, role } of rows) byUser.set(userId, [...(byUser.get(userId) ?? []), role])
  return byUser
}

const rowOf = (row: UserTable, roles: readonly string[] = []): UserRow => ({
  name: row.name,
  roles,
  disabled: row.disabled === 1,
  hasPassword: row.password !== null,
  createdAtMs: row.createdAtMs,
  ...(row.provider !== null && { provider: row.provider }),
  ...(row.signedInAtMs !== null && { signedInAtMs: row.signedInAtMs }),
})

const found = (db: Reader, name: string) =>
  db.selectFrom('users').selectAll().where('name', '=', name).executeTakeFirst()

/** The user, whom this caller may touch. @throws USER_UNKNOWN, RIGHTS_EXCEEDED */
async function touched(tx: Tx, caller: Caller, name: string) {
  const row = await found(tx, name)
  if (row === undefined) throw appError('USER_UNKNOWN')
  const roles = (await rolesOf(tx, [row.id])).get(row.id) ?? []
  requireCovered(caller, await grantsOfRoles(tx, roles))
  return { row, roles }
}

/** Whether anybody is left who can let others in. */
export async function hasAdmin(db: Reader): Promise<boolean> {
  const row = await db
    .selectFrom('userRoles')
    .innerJoin('users', 'users.id', 'userRoles.userId')
    .select('users.id')
    .where('userRoles.role', '=', ADMIN_ROLE)
    .where('users.disabled', '=', 0)
    .executeTakeFirst()
  return row !== undefined
}

/** What a user who may not act any more has begun: his sessions, and invitations that others could still accept. */
async function endActsOf(tx: Tx, { id, name }: Pick<UserTable, 'id' | 'name'>): Promise<void> {
  await endSessionsOf(tx, id)
  await tx
    .deleteFrom('links')
    .where((each) =>
      each.or([
        each('userId', '=', id),
        each('createdBy', '=', `user:${name}`),
        each('createdBy', 'like', `token:${name}/%`),
      ]),
    )
    .execute()
}

const endSessionsOf = (tx: Tx, userId: string) => tx.deleteFrom('sessions').where('userId', '=', userId).execute()

/** In a transaction that others share: makes the user, without a look at what the caller may. */
export async function insertUser(
  tx: Tx,
  { clock, random }: Pick<UsersComponents, 'clock' | 'random'>,
  { name, roles, password, provider }: NewUser,
): Promise<{ readonly id: string; readonly user: UserRow }> {
  const { count } = await tx
    .selectFrom('users')
    .select((each) => each.fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow()
  if (count >= MAX_USERS) throw appError('PEOPLE_FULL')
  if ((await found(tx, name)) !== undefined) throw appError('NAME_TAKEN')
  const row: UserTable = {
    ...{ id: newId({ clock, random }), name, password: password ?? null, disabled: 0, signedInAtMs: null },
    ...{ provider: provider?.name ?? null, subject: provider?.subject ?? null, createdAtMs: clock.now() },
  }
  await tx.insertInto('users').values(row).execute()
  await setRoles(tx, row.id, roles)
  return { id: row.id, user: rowOf(row, [...new Set(roles)].sort()) }
}

/** Once there is an admin, no link for the first one counts any more, also when that admin is gone. */
const endFirstAdminLinks = (tx: Tx) => tx.deleteFrom('links').where('kind', '=', 'admin').execute()

/** In a transaction that others share: exactly these roles. */
export async function setRoles(tx: Tx, userId: string, roles: readonly string[]): Promise<void> {
  if (roles.includes(ADMIN_ROLE)) await endFirstAdminLinks(tx)
  await tx.deleteFrom('userRoles').where('userId', '=', userId).execute()
  const rows = [...new Set(roles)].map((role) => ({ userId, role }))
  if (rows.length > 0) await tx.insertInto('userRoles').values(rows).execute()
}

/** A change that takes nobody's last admin away. */
async function leavingAdmin<T>(tx: Tx, work: () => Promise<T>): Promise<T> {
  const before = await hasAdmin(tx)
  const done = await work()
  if (before && !(await hasAdmin(tx))) throw appError('LAST_ADMIN')
  return done
}

class UserList implements Users {
  readonly #components: UsersComponents
  readonly #database: ManagerDatabase

  constructor(components: UsersComponents) {
    this.#components = components
    this.#database = components.database
  }

  async page({ count, last = '' }: PageRequest) {
    const { read } = this.#database
    const query = read.selectFrom('users').selectAll().where('name', '>', last).orderBy('name')
    const rows = await query.limit(count + 1).execute()
    const shown = rows.slice(0, count)
    const ids = shown.map(({ id }) => id)
    const roles = await rolesOf(read, ids)
    const next = rows.length > count ? shown.at(-1)?.name : undefined
    return { users: shown.map((row) => rowOf(row, roles.get(row.id))), ...(next !== undefined && { next }) }
  }

  async get(name: string) {
    const row = await found(this.#database.read, name)
    return row && rowOf(row, (await rolesOf(this.#database.read, [row.id])).get(row.id))
  }

  create(caller: Caller, user: NewUser) {
    const entry = { actor: caller.actor, action: 'user.create', target: user.name, detail: { roles: user.roles } }
    return this.#database.change(entry, async (tx) => {
      requireCovered(caller, await grantsOfRoles(tx, user.roles))
      return (await insertUser(tx, this.#components, user)).user
    })
  }

  change(caller: Caller, name: string, { roles, disabled }: UserChange, check: (before: UserRow) => void) {
    const entry = { actor: caller.actor, action: 'user.change', target: name, detail: { roles, disabled } }
    return this.#database.change(entry, async (tx) => {
      const before = await touched(tx, caller, name)
      check(rowOf(before.row, before.roles))
      return leavingAdmin(tx, async () => {
        if (roles !== undefined) {
          requireCovered(caller, await grantsOfRoles(tx, roles))
          await setRoles(tx, before.row.id, roles)
        }
        const isOff = disabled ?? before.row.disabled === 1
        const row = { ...before.row, disabled: isOff ? 1 : 0 }
        await tx.updateTable('users').set({ disabled: row.disabled }).where('id', '=', row.id).execute()
        if (isOff) await endActsOf(tx, row)
        else if (before.roles.includes(ADMIN_ROLE)) await endFirstAdminLinks(tx)
        return rowOf(row, (await rolesOf(tx, [row.id])).get(row.id))
      })
    })
  }

  setPassword(caller: Caller, name: string, password: string) {
    return this.#database.change({ actor: caller.actor, action: 'user.set-password', target: name }, async (tx) => {
      const { row } = await touched(tx, caller, name)
      // He may have no role today, and another one at his next sign-in: whoever set his password would have that, too.
      if (row.provider !== null) throw appError('PASSWORD_ELSEWHERE')
      await tx.updateTable('users').set({ password }).where('id', '=', row.id).execute()
      await endSessionsOf(tx, row.id)
    })
  }

  endSessions(caller: Caller, name: string) {
    return this.#database.change({ actor: caller.actor, action: 'user.end-sessions', target: name }, async (tx) => {
      await endSessionsOf(tx, (await touched(tx, caller, name)).row.id)
    })
  }

  remove(caller: Caller, name: string) {
    return this.#database.change({ actor: caller.actor, action: 'user.remove', target: name }, async (tx) => {
      const { row } = await touched(tx, caller, name)
      await leavingAdmin(tx, async () => {
        await endActsOf(tx, row)
        for (const table of ['tokens', 'userRoles'] as const)
          await tx.deleteFrom(table).where('userId', '=', row.id).execute()
        await tx.deleteFrom('users').where('id', '=', row.id).execute()
      })
    })
  }
}

export const userList = (components: UsersComponents): Users => new UserList(components)
