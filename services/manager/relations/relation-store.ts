import {
  type GivenRemote,
  MAX_GIVEN_REMOTES,
  MAX_GIVEN_REMOTES_BYTES,
  MAX_GIVEN_RULES,
  MAX_RELATIONS,
  type RelationRow,
} from '../../../lib/api/index.ts'
import { appError, type Clock, parseJson, type Random } from '../../../lib/base/index.ts'
import { newId } from '../database/ids.ts'
import type { ManagerDatabase, Reader, Tx } from '../database/index.ts'
import type { RelationTable } from './tables.ts'

const ONLY = 1
/** Room in a body of a build-index for what stands around its remotes. */
const AROUND = 1024
/** Room for the addresses of a cluster that a relation does not name itself. */
const JOINED_URLS_BYTES = 512

/** A relation, with the ids of its clusters. */
export interface KeptRelation {
  readonly fromId: string
  readonly toId: string
  readonly row: RelationRow
}

/** What may be given of a relation. */
type Settable = 'rules' | 'windows' | 'concurrency' | 'signatures' | 'deletes' | 'isPaused' | 'note'

/** What a change gives; what is left out stays. */
export type RelationChange = {
  readonly [Key in Settable]?: RelationRow[Key] | undefined
} & {
  /** null: those with which build-indexes have joined. */
  readonly urls?: readonly string[] | null | undefined
  /** null: no limit. */
  readonly bandwidth?: number | null | undefined
}

interface End {
  readonly id: string
  readonly name: string
}

export interface NewRelation extends RelationChange {
  readonly from: End
  readonly to: End
  readonly rules: RelationRow['rules']
  /** Default: the name of `to`. */
  readonly remote?: string | undefined
}

export interface RelationChangeInit {
  readonly change: RelationChange
  /** Sees what is there, and may throw. */
  check(before: RelationRow): void
}

/** All relations, as build-indexes are to have them. */
export interface WantedRelations {
  /** 0: there were never any. */
  readonly generation: number
  readonly relations: readonly KeptRelation[]
}

/** Which cluster replicates to which. Each change is a new generation. */
export interface RelationStore {
  /** By the names of the clusters. */
  wanted(): Promise<WantedRelations>
  /** By its id, or as `FROM:TO`. @throws RELATION_UNKNOWN */
  get(word: string): Promise<RelationRow>
  /** @throws RELATION_SELF, RELATION_EXISTS, RELATIONS_FULL, CLUSTER_UNKNOWN */
  create(actor: string, relation: NewRelation): Promise<RelationRow>
  /** @throws RELATION_UNKNOWN, RELATIONS_FULL */
  change(actor: string, word: string, init: RelationChangeInit): Promise<RelationRow>
  /** @throws RELATION_UNKNOWN */
  remove(actor: string, word: string, check: RelationChangeInit['check']): Promise<void>
}

const withNames = (db: Reader) =>
  db
    .selectFrom('relations')
    .innerJoin('clusters as source', 'source.id', 'relations.fromId')
    .innerJoin('clusters as target', 'target.id', 'relations.toId')
    .selectAll('relations')
    .select(['source.name as fromName', 'target.name as toName'])

type NamedRow = RelationTable & { readonly fromName: string; readonly toName: string }

const keptOf = (row: NamedRow): KeptRelation => ({
  ...{ fromId: row.fromId, toId: row.toId },
  row: {
    ...{ id: row.id, from: row.fromName, to: row.toName, remote: row.remote },
    rules: parseJson(row.rules) as RelationRow['rules'],
    ...(row.urls !== null && { urls: parseJson(row.urls) as string[] }),
    windows: parseJson(row.windows) as RelationRow['windows'],
    ...(row.bandwidth !== null && { bandwidth: row.bandwidth }),
    ...{ concurrency: row.concurrency, signatures: row.signatures === 1, deletes: row.deletes === 1 },
    ...{ isPaused: row.isPaused === 1, note: row.note },
    ...{ createdAtMs: row.createdAtMs, changedAtMs: row.changedAtMs },
  },
})

/** As build-indexes are given it; without addresses of its own it has those with which others have joined. */
export const remoteOf = (row: RelationRow, joined: readonly string[]): GivenRemote => ({
  ...{ name: row.remote, urls: row.urls ?? joined, rules: row.rules, windows: row.windows },
  ...(row.bandwidth !== undefined && { bandwidth: row.bandwidth }),
  ...{ concurrency: row.concurrency, signatures: row.signatures, deletes: row.deletes },
})

async function find(db: Reader, word: string): Promise<KeptRelation> {
  const [from = '', to] = word.split(':')
  const all = withNames(db)
  const named =
    to === undefined
      ? all.where('relations.id', '=', word)
      : all.where('source.name', '=', from).where('target.name', '=', to)
  const row = await named.executeTakeFirst()
  if (row === undefined) throw appError('RELATION_UNKNOWN', { detail: { relation: word.slice(0, 128) } })
  return keptOf(row)
}

/** First in each transaction: so changes of two managers come one after the other. */
const newGeneration = (tx: Tx) =>
  tx
    .updateTable('relationGeneration')
    .set(({ eb }) => ({ value: eb('value', '+', 1) }))
    .where('one', '=', ONLY)
    .execute()

/** @throws CLUSTER_UNKNOWN when one of them is not there any more */
async function assertThere(tx: Tx, ends: readonly End[]): Promise<void> {
  for (const { id, name } of ends) {
    const row = await tx.selectFrom('clusters').select('id').where('id', '=', id).executeTakeFirst()
    if (row === undefined) throw appError('CLUSTER_UNKNOWN', { detail: { cluster: name } })
  }
}

/** @throws RELATION_EXISTS when there is one between these clusters, or of this name */
async function assertNew(tx: Tx, { fromId, toId, remote }: RelationTable): Promise<void> {
  const own = tx.selectFrom('relations').select(['id', 'remote']).where('fromId', '=', fromId)
  const same = own.where(({ eb, or }) => or([eb('toId', '=', toId), eb('remote', '=', remote)]))
  const other = await same.executeTakeFirst()
  if (other !== undefined) throw appError('RELATION_EXISTS', { detail: { relation: other.id, remote: other.remote } })
}

/** Whether there is room for all, and build-indexes would take those of the cluster. @throws RELATIONS_FULL */
async function assertRoom(tx: Tx, fromId: string): Promise<void> {
  const { count } = await tx
    .selectFrom('relations')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow()
  const own = await withNames(tx).where('relations.fromId', '=', fromId).execute()
  const remotes = own.map((row) => remoteOf(keptOf(row).row, []))
  const rules = remotes.reduce((sum, remote) => sum + remote.rules.length, 0)
  const joined = remotes.filter(({ urls }) => urls.length === 0).length * JOINED_URLS_BYTES
  const bytes = Buffer.byteLength(JSON.stringify(remotes)) + joined
  if (
    count > MAX_RELATIONS ||
    own.length > MAX_GIVEN_REMOTES ||
    rules > MAX_GIVEN_RULES ||
    bytes > MAX_GIVEN_REMOTES_BYTES - AROUND
  )
    throw appError('RELATIONS_FULL', { detail: { relations: count, ofCluster: own.length, rules, bytes } })
}

const flag = (given: boolean) => (given ? 1 : 0)

/** Columns of what a change gives. */
const columnsOf = (change: RelationChange): Partial<RelationTable> => ({
  ...(change.rules !== undefined && { rules: JSON.stringify(change.rules) }),
  ...(change.urls !== undefined && { urls: change.urls === null ? null : JSON.stringify(change.urls) }),
  ...(change.windows !== undefined && { windows: JSON.stringify(change.windows) }),
  ...(change.bandwidth !== undefined && { bandwidth: change.bandwidth }),
  ...(change.concurrency !== undefined && { concurrency: change.concurrency }),
  ...(change.signatures !== undefined && { signatures: flag(change.signatures) }),
  ...(change.deletes !== undefined && { deletes: flag(change.deletes) }),
  ...(change.isPaused !== undefined && { isPaused: flag(change.isPaused) }),
  ...(change.note !== undefined && { note: change.note }),
})

/** What holds for a new relation that does not say otherwise. */
const usual = {
  ...{ urls: null, windows: '[]', bandwidth: null, concurrency: 4, signatures: 1, deletes: 0, isPaused: 0, note: '' },
} as const

export interface RelationStoreComponents {
  readonly database: Pick<ManagerDatabase, 'read' | 'change' | 'snapshot'>
  readonly clock: Pick<Clock, 'now'>
  readonly random: Random
}

class Relations implements RelationStore {
  readonly #components: RelationStoreComponents

  constructor(components: RelationStoreComponents) {
    this.#components = components
  }

  wanted() {
    return this.#components.database.snapshot(async (tx) => {
      const row = await tx.selectFrom('relationGeneration').select('value').where('one', '=', ONLY).executeTakeFirst()
      const rows = await withNames(tx).execute()
      const relations = rows.map(keptOf).toSorted((a, b) => (orderOf(a) < orderOf(b) ? -1 : 1))
      return { generation: row?.value ?? 0, relations }
    })
  }

  async get(word: string) {
    return (await find(this.#components.database.read, word)).row
  }

  create(actor: string, { from, to, remote = to.name, ...given }: NewRelation) {
    if (from.id === to.id) throw appError('RELATION_SELF', { detail: { cluster: from.name } })
    const nowMs = this.#nowMs()
    const row: RelationTable = {
      ...{ ...usual, rules: '[]', ...columnsOf(given) },
      ...{ id: newId(this.#components), fromId: from.id, toId: to.id, remote, createdAtMs: nowMs, changedAtMs: nowMs },
    }
    const entry = { actor, action: 'relation.create', target: `${from.name}:${to.name}`, detail: { remote, ...given } }
    return this.#changing(entry, async (tx) => {
      await assertThere(tx, [from, to])
      await assertNew(tx, row)
      await tx.insertInto('relations').values(row).execute()
      await assertRoom(tx, from.id)
      return (await find(tx, row.id)).row
    })
  }

  async change(actor: string, word: string, { change, check }: RelationChangeInit) {
    const { id, from, to } = await this.get(word)
    const entry = { actor, action: 'relation.change', target: `${from}:${to}`, detail: change }
    return this.#changing(entry, async (tx) => {
      const before = await find(tx, id)
      check(before.row)
      const columns = { ...columnsOf(change), changedAtMs: this.#nowMs() }
      await tx.updateTable('relations').set(columns).where('id', '=', id).execute()
      await assertRoom(tx, before.fromId)
      return (await find(tx, id)).row
    })
  }

  async remove(actor: string, word: string, check: RelationChangeInit['check']) {
    const { id, from, to } = await this.get(word)
    await this.#changing({ actor, action: 'relation.remove', target: `${from}:${to}` }, async (tx) => {
      check((await find(tx, id)).row)
      await tx.deleteFrom('relations').where('id', '=', id).execute()
    })
  }

  #changing<T>(entry: Parameters<ManagerDatabase['change']>[0], work: (tx: Tx) => Promise<T>): Promise<T> {
    return this.#components.database.change(entry, async (tx) => {
      await newGeneration(tx)
      return work(tx)
    })
  }

  #nowMs() {
    return Math.floor(this.#components.clock.now())
  }
}

const orderOf = ({ row }: KeptRelation) => `${row.from}/${row.remote}`

export const relationStore = (components: RelationStoreComponents): RelationStore => new Relations(components)

/** Lets the next set follow `generation`: a build-index has a later one than the database, which an older copy has replaced. */
export const raiseRelationGeneration = (
  database: Pick<ManagerDatabase, 'keep'>,
  generation: number,
): Promise<unknown> =>
  database.keep((tx) =>
    tx
      .updateTable('relationGeneration')
      .set({ value: generation + 1 })
      .where('one', '=', ONLY)
      .where('value', '<=', generation)
      .execute(),
  )
