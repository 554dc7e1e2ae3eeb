import type { Grant, RoleRow } from '../../../lib/api/index.ts'
import { appError, type Clock, parseJson } from '../../../lib/base/index.ts'
import type { ManagerDatabase, Reader } from '../database/index.ts'
import { type Caller, requireCovered } from './caller.ts'
import { builtInRoles, type Grants, grantsText } from './grants.ts'
import type { RoleTable } from './tables.ts'

/** More than anybody can look after. */
const MAX_ROLES = 500

/** What users may do, by names. */
export interface Roles {
  /** The built-in ones first, the others by name. */
  all(): Promise<readonly RoleRow[]>
  /**
   * Makes a role, or changes it. `check` sees what there was and may throw.
   * @throws ROLE_FIXED, RIGHTS_EXCEEDED, PEOPLE_FULL
   */
  set(caller: Caller, role: RoleInit, check: (before: RoleRow | undefined) => void): Promise<RoleRow>
  /** @throws ROLE_FIXED, ROLE_UNKNOWN, ROLE_USED, RIGHTS_EXCEEDED */
  remove(caller: Caller, name: string): Promise<void>
}

interface RoleInit {
  readonly name: string
  readonly what: string
  readonly grants: readonly Grant[]
}

const isFixed = (name: string) => builtInRoles.some((role) => role.name === name)

const rowOf = ({ name, what, grants }: Pick<RoleTable, 'name' | 'what' | 'grants'>): RoleRow => ({
  ...{ name, what, builtIn: false },
  grants: parseJson(grants) as Grant[],
})

/** What several roles give together. @throws ROLE_UNKNOWN for one that is not there */
export async function grantsOfRoles(db: Reader, names: readonly string[]): Promise<Grants> {
  const own = names.filter((name) => !isFixed(name))
  const fixed = builtInRoles.filter(({ name }) => names.includes(name))
  const rows = own.length === 0 ? [] : await db.selectFrom('roles').selectAll().where('name', 'in', own).execute()
  const missing = own.find((name) => !rows.some((row) => row.name === name))
  if (missing !== undefined) throw appError('ROLE_UNKNOWN', { detail: { role: missing } })
  return [...fixed, ...rows.map(rowOf)].flatMap(({ grants }) => grants)
}

export function roleList({
  database,
  clock,
}: {
  readonly database: ManagerDatabase
  readonly clock: Pick<Clock, 'now'>
}): Roles {
  const find = async (db: Reader, name: string) => {
    const row = await db.selectFrom('roles').selectAll().where('name', '=', name).executeTakeFirst()
    return row && rowOf(row)
  }
  return {
    async all() {
      const rows = await database.read.selectFrom('roles').selectAll().orderBy('name').execute()
      return [...builtInRoles, ...rows.map(rowOf)]
    },
    async set(caller, { name, what, grants }, check) {
      if (isFixed(name)) throw appError('ROLE_FIXED')
      requireCovered(caller, grants)
      const entry = { actor: caller.actor, action: 'role.set', target: name, detail: { what, grants } }
      return database.change(entry, async (tx) => {
        const before = await find(tx, name)
        check(before)
        // Who makes a role smaller takes from others what he may not have himself.
        requireCovered(caller, before?.grants ?? [])
        const row = { name, what, grants: grantsText(grants) }
        if (before === undefined) {
          const { count } = await tx
            .selectFrom('roles')
            .select((each) => each.fn.countAll<number>().as('count'))
            .executeTakeFirstOrThrow()
          if (count >= MAX_ROLES) throw appError('PEOPLE_FULL')
          await tx
            .insertInto('roles')
            .values({ ...row, createdAtMs: clock.now() })
            .execute()
        } else {
          await tx.updateTable('roles').set(row).where('name', '=', name).execute()
        }
        return rowOf(row)
      })
    },
    async remove(caller, name) {
      if (isFixed(name)) throw appError('ROLE_FIXED')
      return database.change({ actor: caller.actor, action: 'role.remove', target: name }, async (tx) => {
        const before = await find(tx, name)
        if (before === undefined) throw appError('ROLE_UNKNOWN')
        requireCovered(caller, before.grants)
        const user = await tx.selectFrom('userRoles').select('userId').where('role', '=', name).executeTakeFirst()
        if (user !== undefined) throw appError('ROLE_USED')
        await tx.deleteFrom('roles').where('name', '=', name).execute()
      })
    },
  }
}
