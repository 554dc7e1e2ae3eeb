import { appError, type Clock, type Random } from '../../../lib/base/index.ts'
import { newId } from '../database/ids.ts'
import type { ManagerDatabase, Tx } from '../database/index.ts'
import { compileScopes, noScopes, type Scopes, type SomeScopes } from './scopes.ts'
import type { ClusterRow } from './tables.ts'

/** Clusters of one manager. */
export const MAX_CLUSTERS = 1000

export interface Cluster {
  readonly id: string
  readonly name: string
  readonly description: string
  readonly scopes: Scopes
  readonly isDefault: boolean
  readonly revision: number
  readonly createdAtMs: number
  readonly agents: number
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
  /** Forgets it and all that belongs to it. @throws CLUSTER_UNKNOWN */
  remove(actor: string, id: string): Promise<void>
  /** Notes how many agents its trackers know. */
  count(id: string, agents: number): Promise<void>
}

const clusterOf = (row: ClusterRow): Cluster => ({
  ...{ id: row.id, name: row.name, description: row.description, revision: row.revision, agents: row.agents },
  createdAtMs: Number(row.createdAtMs),
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

export function clusterStore({ database, clock, random }: StoreParts): ClusterStore {
  const found = async (tx: Tx, id: string): Promise<Cluster> => {
    const row = await tx.selectFrom('clusters').selectAll().where('id', '=', id).executeTakeFirst()
    if (row === undefined) throw unknown(id)
    return clusterOf(row)
  }
  return {
    async all() {
      const rows = await database.read.selectFrom('clusters').selectAll().orderBy('name').limit(MAX_CLUSTERS).execute()
      return rows.map(clusterOf)
    },
    create: (actor, { name, description = '', scopes, isDefault = false }) => {
      const id = newId({ clock, random })
      const row: ClusterRow = {
        ...{
          id,
          name,
          description,
          isDefault: isDefault ? 1 : 0,
          revision: 1,
          agents: 0,
          createdAtMs: Math.floor(clock.now()),
        },
        scopes: JSON.stringify(changedScopes(noScopes, scopes)),
      }
      return database.change({ actor, action: 'cluster.create', target: name }, async (tx) => {
        await assertFree(tx, name)
        const { count } = await tx
          .selectFrom('clusters')
          .select((eb) => eb.fn.countAll<number>().as('count'))
          .executeTakeFirstOrThrow()
        if (Number(count) >= MAX_CLUSTERS)
          throw appError('CLUSTER_FULL', { message: `at most ${MAX_CLUSTERS} clusters` })
        if (isDefault) await noDefault(tx, id)
        await tx.insertInto('clusters').values(row).execute()
        return clusterOf(row)
      })
    },
    change: (actor, id, { name, description, scopes, isDefault, revision }) => {
      const given = { name, description, scopes, default: isDefault }
      return database.change({ actor, action: 'cluster.change', target: id, detail: given }, async (tx) => {
        const before = await found(tx, id)
        if (revision !== undefined && revision !== before.revision)
          throw appError('CHANGED_MEANWHILE', { detail: { revision: before.revision } })
        if (name !== undefined) await assertFree(tx, name, id)
        if (isDefault === true) await noDefault(tx, id)
        const after: Cluster = {
          ...before,
          ...(name !== undefined && { name }),
          ...(description !== undefined && { description }),
          ...(isDefault !== undefined && { isDefault }),
          scopes: changedScopes(before.scopes, scopes),
          revision: before.revision + 1,
        }
        await tx
          .updateTable('clusters')
          .set({
            ...{ name: after.name, description: after.description, revision: after.revision },
            ...{ scopes: JSON.stringify(after.scopes), isDefault: after.isDefault ? 1 : 0 },
          })
          .where('id', '=', id)
          .execute()
        return after
      })
    },
    remove: (actor, id) =>
      database.change({ actor, action: 'cluster.remove', target: id }, async (tx) => {
        await found(tx, id)
        for (const table of ['joinTokens', 'members', 'hosts'] as const)
          await tx.deleteFrom(table).where('clusterId', '=', id).execute()
        await tx.deleteFrom('clusters').where('id', '=', id).execute()
      }),
    count: (id, agents) =>
      database.keep(async (tx) => {
        await tx.updateTable('clusters').set({ agents }).where('id', '=', id).where('agents', '!=', agents).execute()
      }),
  }
}
