import {
  type GivenRegistryUser,
  MAX_REGISTRY_USERS,
  MAX_REGISTRY_USERS_BYTES,
  type RegistryUserRow,
} from '../../../lib/api/index.ts'
import { appError, type Clock, parseJson, type Random } from '../../../lib/base/index.ts'
import type { PageRequest } from '../../../lib/http/index.ts'
import { TOKEN_PREFIX, tokenHash } from '../../../lib/identity/index.ts'
import type { ManagerDatabase, Reader, Tx } from '../database/index.ts'
import { newSecret } from '../people/shown-secrets.ts'
import type { RegistryUserTable } from './tables.ts'

/** Secrets of registries begin so: secret scanners find them, and people see what they are for. */
const SECRET_PREFIX = `${TOKEN_PREFIX}reg_`
/** Room in a body of a proxy for what stands around its users. */
const AROUND = 1024
const ONLY = 1

type Check = (before: RegistryUserRow) => void
type Kept = Omit<RegistryUserRow, 'name' | 'createdAtMs' | 'rotatedAtMs'>

/** What a change gives; what is left out stays. null: all clusters, no end. */
export type RegistryUserChange = {
  readonly [Key in 'grants' | 'disabled' | 'note']?: Kept[Key] | undefined
} & {
  readonly clusters?: readonly string[] | null | undefined
  readonly expiresAtMs?: number | null | undefined
}

export type NewRegistryUser = Pick<RegistryUserRow, 'name' | 'kind' | 'grants' | 'clusters' | 'expiresAtMs'> & {
  readonly note?: string | undefined
}

export interface ShownRegistryUser {
  /** Kept nowhere. */
  readonly secret: string
  readonly kept: RegistryUserRow
}

/** What proxies are to have: each user with the clusters that he is for. */
export interface WantedUsers {
  /** 0: there were never any. */
  readonly generation: number
  readonly users: readonly (GivenRegistryUser & { readonly clusters: readonly string[] | undefined })[]
}

/** Users and tokens of registries. `check` sees what is there, and may throw. Each change is a new generation. */
export interface RegistryUserStore {
  /** By name. */
  page(asked: PageRequest): Promise<{ readonly users: readonly RegistryUserRow[]; readonly next?: string }>
  /** @throws REGISTRY_USER_UNKNOWN */
  get(name: string): Promise<RegistryUserRow>
  /** @throws NAME_TAKEN, REGISTRY_USERS_FULL */
  create(actor: string, user: NewRegistryUser): Promise<ShownRegistryUser>
  /** @throws REGISTRY_USER_UNKNOWN, REGISTRY_USERS_FULL */
  change(
    actor: string,
    name: string,
    init: { readonly change: RegistryUserChange; check: Check },
  ): Promise<RegistryUserRow>
  /** @throws REGISTRY_USER_UNKNOWN */
  rotate(actor: string, name: string, check: Check): Promise<ShownRegistryUser>
  /** @throws REGISTRY_USER_UNKNOWN */
  remove(actor: string, name: string, check: Check): Promise<void>
  wanted(): Promise<WantedUsers>
}

const unknown = (name: string) => appError('REGISTRY_USER_UNKNOWN', { detail: { user: name } })

const rowOf = (row: RegistryUserTable): RegistryUserRow => ({
  ...{ name: row.name, kind: row.kind as RegistryUserRow['kind'], disabled: row.disabled === 1 },
  grants: parseJson(row.grants) as RegistryUserRow['grants'],
  ...(row.clusters !== null && { clusters: parseJson(row.clusters) as string[] }),
  ...(row.expiresAtMs !== null && { expiresAtMs: row.expiresAtMs }),
  ...{ note: row.note, createdAtMs: row.createdAtMs, rotatedAtMs: row.rotatedAtMs },
})

const givenOf = (row: RegistryUserTable): WantedUsers['users'][number] => {
  const { kind, name, disabled, grants, clusters, expiresAtMs } = rowOf(row)
  return {
    kind,
    name,
    sha256: row.sha256,
    disabled,
    grants,
    clusters,
    ...(expiresAtMs !== undefined && { expiresAtMs }),
  }
}

async function find(db: Reader, name: string): Promise<RegistryUserRow> {
  const row = await db.selectFrom('registryUsers').selectAll().where('name', '=', name).executeTakeFirst()
  if (row === undefined) throw unknown(name)
  return rowOf(row)
}

/** First in each transaction: so changes of two managers come one after the other. */
const newGeneration = (tx: Tx) =>
  tx
    .updateTable('registryGeneration')
    .set(({ eb }) => ({ value: eb('value', '+', 1) }))
    .where('one', '=', ONLY)
    .execute()

/** Whether a proxy would take all that there is now. @throws REGISTRY_USERS_FULL */
async function assertRoom(tx: Tx): Promise<void> {
  const rows = await tx.selectFrom('registryUsers').selectAll().execute()
  const bytes = Buffer.byteLength(JSON.stringify(rows.map(givenOf)))
  if (rows.length > MAX_REGISTRY_USERS || bytes > MAX_REGISTRY_USERS_BYTES - AROUND)
    throw appError('REGISTRY_USERS_FULL', { detail: { users: rows.length, bytes } })
}

/** Columns of what a change gives. */
const columnsOf = ({ grants, disabled, note, clusters, expiresAtMs }: RegistryUserChange) => ({
  ...(grants !== undefined && { grants: JSON.stringify(grants) }),
  ...(disabled !== undefined && { disabled: disabled ? 1 : 0 }),
  ...(note !== undefined && { note }),
  ...(clusters !== undefined && { clusters: clusters === null ? null : JSON.stringify(clusters) }),
  ...(expiresAtMs !== undefined && { expiresAtMs }),
})

export interface RegistryUserStoreComponents {
  readonly database: Pick<ManagerDatabase, 'read' | 'change' | 'snapshot'>
  readonly clock: Pick<Clock, 'now'>
  readonly random: Random
}

class Users implements RegistryUserStore {
  readonly #components: RegistryUserStoreComponents

  constructor(components: RegistryUserStoreComponents) {
    this.#components = components
  }

  async page({ count, last = '' }: PageRequest) {
    const all = this.#components.database.read.selectFrom('registryUsers').selectAll().where('name', '>', last)
    const rows = await all
      .orderBy('name')
      .limit(count + 1)
      .execute()
    const shown = rows.slice(0, count)
    const next = rows.length > count ? shown.at(-1)?.name : undefined
    return { users: shown.map(rowOf), ...(next !== undefined && { next }) }
  }

  get(name: string) {
    return find(this.#components.database.read, name)
  }

  create(actor: string, { name, kind, note = '', ...given }: NewRegistryUser) {
    const { secret, sha256, nowMs } = this.#fresh()
    const detail = { kind, note, ...given }
    return this.#changing({ actor, action: 'registryUser.create', target: name, detail }, async (tx) => {
      const taken = await tx.selectFrom('registryUsers').select('name').where('name', '=', name).executeTakeFirst()
      if (taken !== undefined) throw appError('NAME_TAKEN')
      const { grants, clusters, expiresAtMs = null } = given
      await tx
        .insertInto('registryUsers')
        .values({
          ...{ name, kind, sha256, disabled: 0, note, expiresAtMs, createdAtMs: nowMs, rotatedAtMs: nowMs },
          ...{ grants: JSON.stringify(grants), clusters: clusters === undefined ? null : JSON.stringify(clusters) },
        })
        .execute()
      await assertRoom(tx)
      return { secret, kept: await find(tx, name) }
    })
  }

  change(actor: string, name: string, { change, check }: { readonly change: RegistryUserChange; check: Check }) {
    return this.#changing({ actor, action: 'registryUser.change', target: name, detail: change }, async (tx) => {
      check(await find(tx, name))
      const columns = columnsOf(change)
      if (Object.keys(columns).length > 0)
        await tx.updateTable('registryUsers').set(columns).where('name', '=', name).execute()
      await assertRoom(tx)
      return find(tx, name)
    })
  }

  rotate(actor: string, name: string, check: Check) {
    const { secret, sha256, nowMs } = this.#fresh()
    return this.#changing({ actor, action: 'registryUser.rotate', target: name }, async (tx) => {
      check(await find(tx, name))
      await tx.updateTable('registryUsers').set({ sha256, rotatedAtMs: nowMs }).where('name', '=', name).execute()
      return { secret, kept: await find(tx, name) }
    })
  }

  remove(actor: string, name: string, check: Check) {
    return this.#changing({ actor, action: 'registryUser.remove', target: name }, async (tx) => {
      check(await find(tx, name))
      await tx.deleteFrom('registryUsers').where('name', '=', name).execute()
    })
  }

  wanted() {
    return this.#components.database.snapshot(async (tx) => {
      const row = await tx.selectFrom('registryGeneration').select('value').where('one', '=', ONLY).executeTakeFirst()
      const rows = await tx.selectFrom('registryUsers').selectAll().orderBy('name').execute()
      return { generation: row?.value ?? 0, users: rows.map(givenOf) }
    })
  }

  #changing<T>(entry: Parameters<ManagerDatabase['change']>[0], work: (tx: Tx) => Promise<T>): Promise<T> {
    return this.#components.database.change(entry, async (tx) => {
      await newGeneration(tx)
      return work(tx)
    })
  }

  #fresh() {
    const secret = SECRET_PREFIX + newSecret(this.#components.random)
    return { secret, sha256: tokenHash(secret), nowMs: Math.floor(this.#components.clock.now()) }
  }
}

export const registryUserStore = (components: RegistryUserStoreComponents): RegistryUserStore => new Users(components)

/** Lets the next set follow `generation`: a proxy has a later one than the database, which an older copy has replaced. */
export const raiseRegistryGeneration = (
  database: Pick<ManagerDatabase, 'keep'>,
  generation: number,
): Promise<unknown> =>
  database.keep((tx) =>
    tx
      .updateTable('registryGeneration')
      .set({ value: generation + 1 })
      .where('one', '=', ONLY)
      .where('value', '<=', generation)
      .execute(),
  )
