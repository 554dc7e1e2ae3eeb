import { appError, type Clock, type Random } from '../../../lib/base/index.ts'
import { newId } from '../database/ids.ts'
import type { ManagerDatabase, Tx } from '../database/index.ts'
import { compileScopes, noScopes, type Scopes, type SomeScopes } from './scopes.ts'
import type { ClusterRow } from './tables.ts'

/** Clusters of one manager. */
export const MAX_CLUSTERS = 1000
/** Relations that are named when a cluster cannot be removed. */
const NAMED = 10

export interface Cluster {
  readonly id: string
  readonly name: string
  readonly description: string
  readonly scopes: Scopes
  readonly isDefault: boolean
  readonly revision: number
  readonly createdAtMs: number
  readonly agents: number
  /** Hosts of it that run an older generation of settings than they should. */
  readonly behind: number
}

/** What a change gives; what is left out stays. */
export interface ClusterChange {
  readonly name?: string | undefined
  readonly description?: string | undefined
  readonly scopes?: SomeScopes | undefined
  readonly isDefault?: boolean | undefined
  /** Of the cluster as the one who changes has seen it. */
  readonly revision?: number | undefined
}

/** The clusters that are registered. One of them at most is the default. */
export interface ClusterStore {
  /** By their names. */
  all(): Promise<readonly Cluster[]>
  /** @throws CLUSTER_EXISTS, CLUSTER_FULL, SCOPE_INVALID */
  create(actor: string, init: ClusterChange & { readonly name: string }): Promise<Cluster>
  /** @throws CLUSTER_UNKNOWN, CLUSTER_EXISTS, CHANGED_MEANWHILE, SCOPE_INVALID */
  change(actor: string, id: string, change: ClusterChange): Promise<Cluster>
  /** Forgets it and all that belongs to it. @throws CLUSTER_UNKNOWN, CLUSTER_IN_USE while a relation names it */
  remove(actor: string, id: string): Promise<void>
  /** Notes how many agents its trackers know, and how many hosts are behind with their settings. */
  count(id: string, counts: Pick<Cluster, 'agents' | 'behind'>): Promise<void>
}

const clusterOf = (row: ClusterRow): Cluster => ({
  ...{ id: row.id, name: row.name, description: row.description, revision: row.revision },
  ...{ agents: row.agents, behind: row.behind },
  createdAtMs: row.createdAtMs,
  isDefault: row.isDefault === 1,
  scopes: { ...noScopes, ...(JSON.parse(row.scopes) as Partial<Scopes>) },
})

const unknown = (id: string) => appError('CLUSTER_UNKNOWN', { detail: { cluster: id } })

/** @throws CLUSTER_EXISTS when another cluster has the name */
async function assertFree(tx: Tx, name: string, own?: string): Promise<void> {
  const held = await tx.selectFrom('clusters').select('id').where('name', '=', name).executeTakeFirst()
  if (held !== undefined && held.id !== own) throw appError('CLUSTER_EXISTS', { detail: { cluster: name } })
}

const noDefault = (tx: Tx, but: string) =>
  tx
    .updateTable('clusters')
    .set((eb) => ({ isDefault: 0, revision: eb('revision', '+', 1) }))
    .where('isDefault', '=', 1)
    .where('id', '!=', but)
    .execute()

/** The scopes as a change leaves them. @throws SCOPE_INVALID */
function changedScopes(before: Scopes, change: SomeScopes = {}): Scopes {
  const given = Object.entries(change).filter(([, value]) => value !== undefined)
  const scopes: Scopes = { ...before, ...Object.fromEntries(given) }
  compileScopes(scopes)
  return scopes
}

export interface StoreParts {
  readonly database: ManagerDatabase
  readonly clock: Pick<Clock, 'now'>
  readonly random: Random
}

/** The cluster. @throws CLUSTER_UNKNOWN */
async function found(tx: Tx, id: string): Promise<Cluster> {
  const row = await tx.selectFrom('clusters').selectAll().where('id', '=', id).executeTakeFirst()
  if (row === undefined) throw unknown(id)
  return clusterOf(row)
}

/** @throws CLUSTER_FULL */
async function assertRoom(tx: Tx): Promise<void> {
  const { count } = await tx
    .selectFrom('clusters')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow()
  if (count >= MAX_CLUSTERS) throw appError('CLUSTER_FULL', { message: `at most ${MAX_CLUSTERS} clusters` })
}

async function created(tx: Tx, row: ClusterRow): Promise<Cluster> {
  await assertFree(tx, row.name)
  await assertRoom(tx)
  if (row.isDefault === 1) await noDefault(tx, row.id)
  await tx.insertInto('clusters').values(row).execute()
  return clusterOf(row)
}

async function changed(tx: Tx, id: string, { revision, ...change }: ClusterChange): Promise<Cluster> {
  const before = await found(tx, id)
  if (revision !== undefined && revision !== before.revision)
    throw appError('CHANGED_MEANWHILE', { detail: { revision: before.revision } })
  const { name = before.name, description = before.description, isDefault = before.isDefault } = change
  if (name !== before.name) await assertFree(tx, name, id)
  if (isDefault) await noDefault(tx, id)
  const scopes = changedScopes(before.scopes, change.scopes)
  const after: Cluster = { ...before, name, description, isDefault, scopes, revision: before.revision + 1 }
  const columns = {
    ...{ name, description, revision: after.revision },
    ...{ scopes: JSON.stringify(scopes), isDefault: isDefault ? 1 : 0 },
  }
  await tx.updateTable('clusters').set(columns).where('id', '=', id).execute()
  return after
}

/** @throws CLUSTER_IN_USE */
async function assertUnrelated(tx: Tx, id: string): Promise<void> {
  const named = tx.selectFrom('relations').select('id').limit(NAMED)
  const rows = await named.where((is) => is.or([is('fromId', '=', id), is('toId', '=', id)])).execute()
  if (rows.length === 0) return
  const relations = rows.map((row) => row.id)
  throw appError('CLUSTER_IN_USE', { message: 'relations name the cluster; remove them first', detail: { relations } })
}

async function removed(tx: Tx, id: string): Promise<void> {
  await found(tx, id)
  await assertUnrelated(tx, id)
  for (const table of ['joinTokens', 'members', 'hosts'] as const)
    await tx.deleteFrom(table).where('clusterId', '=', id).execute()
  await tx.deleteFrom('clusters').where('id', '=', id).execute()
}

export function clusterStore({ database, clock, random }: StoreParts): ClusterStore {
  return {
    async all() {
      const rows = await database.read.selectFrom('clusters').selectAll().orderBy('name').limit(MAX_CLUSTERS).execute()
      return rows.map(clusterOf)
    },
    async create(actor, { name, description = '', scopes, isDefault = false }) {
      const row: ClusterRow = {
        ...{ id: newId({ clock, random }), name, description, isDefault: isDefault ? 1 : 0, revision: 1 },
        ...{
          agents: 0,
          behind: 0,
          createdAtMs: Math.floor(clock.now()),
          scopes: JSON.stringify(changedScopes(noScopes, scopes)),
        },
      }
      return database.change({ actor, action: 'cluster.create', target: name }, (tx) => created(tx, row))
    },
    change(actor, id, change) {
      const { name, description, scopes, isDefault } = change
      const detail = { name, description, scopes, default: isDefault }
      return database.change({ actor, action: 'cluster.change', target: id, detail }, (tx) => changed(tx, id, change))
    },
    remove: (actor, id) => database.change({ actor, action: 'cluster.remove', target: id }, (tx) => removed(tx, id)),
    count: (id, { agents, behind }) =>
      database.keep(async (tx) => {
        await tx
          .updateTable('clusters')
          .set({ agents, behind })
          .where('id', '=', id)
          .where((eb) => eb.or([eb('agents', '!=', agents), eb('behind', '!=', behind)]))
          .execute()
      }),
  }
}
