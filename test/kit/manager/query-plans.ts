import {
  type CompiledQuery,
  type Kysely,
  type KyselyPlugin,
  type RootOperationNode,
  type SelectQueryNode,
  sql,
} from 'kysely'
import type { ManagerDatabase, Tables } from '../../../services/manager/database/index.ts'
import type { MadeDatabase } from './databases.ts'

/** What the database would do for a statement, and what of it takes longer the more rows there are. */
export interface Planned {
  readonly statement: string
  readonly plan: readonly string[]
  /** Lines of the plan. Empty: it takes as long as what it returns. */
  readonly slow: readonly string[]
}

/** A database whose reads are noted. */
export interface NotedReads {
  readonly database: ManagerDatabase
  /** The statements since it was asked last, each once. */
  readonly noted: () => readonly Noted[]
}

interface Noted {
  readonly query: CompiledQuery
  readonly node: SelectQueryNode
}

export function notedReads(inner: ManagerDatabase): NotedReads {
  const found = new Map<string, Noted>()
  const noting = (db: Kysely<Tables>): Kysely<Tables> => {
    const executor = db.getExecutor()
    const note = (node: RootOperationNode, queryId: { readonly queryId: string }) => {
      if (node.kind !== 'SelectQueryNode') return
      const query = executor.compileQuery(node, queryId)
      found.set(query.sql, { query, node })
    }
    const plugin: KyselyPlugin = {
      transformQuery({ node, queryId }) {
        note(node, queryId)
        return node
      },
      transformResult: async ({ result }) => result,
    }
    return db.withPlugin(plugin)
  }
  return {
    database: {
      get read() {
        return noting(inner.read as Kysely<Tables>)
      },
      ...{ keep: inner.keep.bind(inner), change: inner.change.bind(inner), snapshot: inner.snapshot.bind(inner) },
      rowsAtOnce: inner.rowsAtOnce,
      ...{ problem: () => inner.problem(), start: () => inner.start(), stop: () => inner.stop() },
    },
    noted() {
      const all = [...found.values()]
      found.clear()
      return all
    },
  }
}

/** Whether the statement takes what comes first, and asks for nothing else. */
const isPlainPage = ({ where, limit }: SelectQueryNode) => where === undefined && limit !== undefined

/** SQLite: a table that is read to its end, also by an index that nothing is looked up in; and rows that are sorted. */
async function sqlitePlan(db: Kysely<Tables>, { query, node }: Noted, isSmall: (table: string) => boolean) {
  const explained = await db.executeQuery<{ readonly detail: string }>(explain('explain query plan', query))
  const plan = explained.rows.map(({ detail }) => detail)
  const tables = plan.flatMap((line) => /^(?:SCAN|SEARCH) (\w+)/.exec(line)?.[1] ?? [])
  const slow = plan.filter((line) => {
    const [, table] = /^SCAN (\w+)/.exec(line) ?? []
    if (table !== undefined) return !isSmall(table) && !(line.includes(' USING ') && isPlainPage(node))
    return line.startsWith('USE TEMP B-TREE') && !tables.every(isSmall)
  })
  return { plan, slow }
}

interface PostgresNode {
  readonly 'Node Type': string
  readonly 'Relation Name'?: string
  readonly 'Index Name'?: string
  readonly 'Index Cond'?: string
  readonly Filter?: string
  readonly Plans?: readonly PostgresNode[]
}

const nodesIn = (node: PostgresNode): readonly PostgresNode[] => [node, ...(node.Plans ?? []).flatMap(nodesIn)]

/** PostgreSQL: the same, when it is told to do neither as far as it can: small tables are read whole else. */
async function postgresPlan(db: Kysely<Tables>, { query, node }: Noted, isSmall: (table: string) => boolean) {
  const [row] = await db.transaction().execute(async (tx) => {
    for (const way of ['seqscan', 'sort', 'bitmapscan', 'hashjoin', 'mergejoin', 'material'])
      await sql.raw(`set local enable_${way} = off`).execute(tx)
    return (
      await tx.executeQuery<Record<string, [{ readonly Plan: PostgresNode }]>>(explain('explain (format json)', query))
    ).rows
  })
  const nodes = nodesIn(Object.values(row ?? {})[0]![0].Plan)
  const told = nodes.map((each) =>
    Object.values({ ...each, Plans: '' })
      .filter(Boolean)
      .slice(0, 1)
      .concat(
        each['Relation Name'] ?? '',
        each['Index Name'] ?? '',
        each['Index Cond'] ?? '',
        each.Filter === undefined ? '' : `Filter: ${each.Filter}`,
      )
      .join(' ')
      .trim(),
  )
  const tables = nodes.flatMap((each) => each['Relation Name'] ?? [])
  const slow = told.filter((_, at) => {
    const each = nodes[at]!
    const [type, table] = [each['Node Type'], each['Relation Name']]
    if (type.includes('Sort')) return !tables.every(isSmall)
    if (table === undefined || isSmall(table)) return false
    return type === 'Seq Scan' || (each['Index Cond'] === undefined && !isPlainPage(node))
  })
  return { plan: told, slow }
}

const explain = (how: string, query: CompiledQuery): CompiledQuery => ({ ...query, sql: `${how} ${query.sql}` })

/** How the database goes about the statements; of tables that are `small`, it may read all rows. */
export async function plansOf(
  { driver, database }: Pick<MadeDatabase, 'driver' | 'database'>,
  noted: readonly Noted[],
  isSmall: (table: string) => boolean,
): Promise<readonly Planned[]> {
  const db = database.read as Kysely<Tables>
  const planOf = driver === 'libsql' ? sqlitePlan : postgresPlan
  const plans: Planned[] = []
  for (const each of noted) plans.push({ statement: each.query.sql, ...(await planOf(db, each, isSmall)) })
  return plans
}
