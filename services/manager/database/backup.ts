import { createHash } from 'node:crypto'
import { type Expression, type ExpressionBuilder, Kysely, type SqlBool } from 'kysely'
import { appError, hasCode, isAppError, parseJson } from '../../../lib/base/index.ts'
import type { Tx } from './database.ts'
import { type Dialects, type DialectsComponents, type DialectsInit, dialectsOf } from './dialects.ts'
import { migrate, stepsOf } from './migrate.ts'
import { counted, inBackups, madeAtStart, type Tables } from './tables.ts'

/** Rows that are read, or written, at once. */
const AT_ONCE = 500
const FORM = 'shoal-manager-backup-1'

/** A backup, line by line: what it is; each row; how many there were, and the digest of all lines before. */
interface Head {
  readonly form: string
  /** Those of its tables, in order. */
  readonly steps: readonly string[]
}
interface Row {
  readonly table: string
  readonly row: Readonly<Record<string, string | number | null>>
}
interface End {
  readonly rows: number
  /** In hex. */
  readonly sha256: string
}

type Values = Row['row']
type AnyDb = Kysely<Record<string, Values>>

const kept = Object.entries(inBackups).flatMap(([table, keys]) => (keys === undefined ? [] : [{ table, keys }]))

/** After a row, in the order of these keys. */
const isAfter =
  (keys: readonly string[], last: Values) =>
  (each: ExpressionBuilder<Record<string, Values>, string>): Expression<SqlBool> =>
    each.or(
      keys.map((key, i) =>
        each.and([
          ...keys.slice(0, i).map((before) => each(before, '=', last[before] ?? null)),
          each(key, '>', last[key] ?? null),
        ]),
      ),
    )

async function* rowsOf(db: AnyDb, table: string, keys: readonly string[]): AsyncGenerator<Values> {
  let last: Values | undefined
  do {
    let query = db.selectFrom(table).selectAll().limit(AT_ONCE)
    for (const key of keys) query = query.orderBy(key)
    if (last !== undefined) query = query.where(isAfter(keys, last))
    const rows: Values[] = await query.execute()
    yield* rows
    last = rows.length < AT_ONCE ? undefined : rows.at(-1)
  } while (last !== undefined)
}

const opened = ({ write }: Dialects): Kysely<Tables> => new Kysely<Tables>({ dialect: write })

async function withDatabase<T>(
  components: DialectsComponents,
  init: DialectsInit,
  work: (db: Kysely<Tables>) => Promise<T>,
): Promise<T> {
  const db = opened(dialectsOf(components, init))
  try {
    return await work(db)
  } finally {
    await db.destroy()
  }
}

/**
 * Everything of one moment, line by line, also while managers use the database; what ends by itself soon, sessions and links, is
 * left out. Tells how many rows there were.
 */
export function backUp(
  components: DialectsComponents,
  init: DialectsInit,
  write: (line: string) => Promise<void>,
): Promise<number> {
  const hash = createHash('sha256')
  const tell = async (value: Head | Row) => {
    const line = `${JSON.stringify(value)}\n`
    hash.update(line)
    await write(line)
  }
  return withDatabase(components, init, (db) =>
    db
      .transaction()
      .setIsolationLevel('repeatable read')
      .setAccessMode('read only')
      .execute(async (tx) => {
        await tell({ form: FORM, steps: await stepsOf(tx) })
        let rows = 0
        for (const { table, keys } of kept)
          for await (const row of rowsOf(tx as unknown as AnyDb, table, keys)) {
            rows += 1
            await tell({ table, row })
          }
        const end: End = { rows, sha256: hash.digest('hex') }
        await write(`${JSON.stringify(end)}\n`)
        return rows
      }),
  )
}

const invalid = (message: string, cause?: unknown) =>
  appError('BACKUP_INVALID', { message, ...(cause !== undefined && { cause }) })

function parsed(line: string): Partial<Head & Row & End> {
  try {
    return parseJson(line) as Partial<Head & Row & End>
  } catch (cause) {
    throw invalid('a line of the backup is no JSON', cause)
  }
}

/** Puts the rows in, and compares what the end says. @throws BACKUP_INVALID */
async function fill(db: AnyDb, lines: AsyncIterator<string>, head: string): Promise<number> {
  const hash = createHash('sha256').update(`${head}\n`)
  let waiting: { readonly table: string; readonly rows: Values[] } = { table: '', rows: [] }
  const flush = async () => {
    const { table, rows } = waiting
    waiting = { table: '', rows: [] }
    if (rows.length === 0) return
    if (!kept.some((each) => each.table === table)) throw invalid('the backup has a table that is not known')
    await db.insertInto(table).values(rows).execute()
  }
  let count = 0
  for (let next = await lines.next(); next.done !== true; next = await lines.next()) {
    const { table, row, rows, sha256 } = parsed(next.value)
    if (sha256 !== undefined) {
      await flush()
      if (rows !== count || sha256 !== hash.digest('hex')) throw invalid('the backup was changed')
      if ((await lines.next()).done !== true) throw invalid('the backup goes on after its end')
      return count
    }
    if (table === undefined || row === undefined) throw invalid('a line of the backup is no row')
    hash.update(`${next.value}\n`)
    if (waiting.table !== table || waiting.rows.length >= AT_ONCE / 10) await flush()
    waiting = { table, rows: [...waiting.rows, row] }
    count += 1
  }
  throw invalid('the backup has no end: it was cut off')
}

/** Whether none of its tables has rows that a backup would have. */
async function isEmpty(db: AnyDb): Promise<boolean> {
  for (const { name } of await db.introspection.getTables()) {
    if (!kept.some(({ table }) => table === name) || madeAtStart.includes(name)) continue
    if ((await db.selectFrom(name).selectAll().limit(1).execute()).length > 0) return false
  }
  return true
}

/** What lets somebody in where nobody was: it must not let him in where the people of the backup are. */
const ways: readonly string[] = ['links', 'sessions']

async function replace(tx: AnyDb, lines: AsyncIterator<string>, head: string): Promise<number> {
  // A manager may run beside us, and have made something meanwhile.
  if (!(await isEmpty(tx))) throw appError('DATABASE_NOT_EMPTY')
  const tables = await tx.introspection.getTables()
  for (const { name } of tables)
    if (madeAtStart.includes(name) || ways.includes(name)) await tx.deleteFrom(name).execute()
  const count = await fill(tx, lines, head)
  if (tables.some(({ name }) => name === 'counters')) await passNumbers(tx)
  return count
}

/** More numbers than were given from a backup on until it is restored. */
const NUMBERS_PASSED = 1_000_000

/** Others know jobs by their numbers, and what was numbered since the backup is not in it: none is given again. */
async function passNumbers(tx: Kysely<Tables>): Promise<void> {
  const counters = tx.insertInto('counters').values(counted.map((name) => ({ name, value: 0 })))
  await counters.onConflict((conflict) => conflict.column('name').doNothing()).execute()
  const passed = tx.updateTable('counters').set(({ eb }) => ({ value: eb('value', '+', NUMBERS_PASSED) }))
  await passed.execute()
}

/**
 * Puts a backup of either kind of database into an empty one, all of it or nothing; then brings the tables to the present form.
 * `settle` changes what must not be as it was, in the same transaction, while the tables have the form of the backup.
 * Tells how many rows there were.
 * @throws BACKUP_INVALID, DATABASE_NOT_EMPTY, DATABASE_NEWER for a backup of a later version
 */
export function restore(
  components: DialectsComponents,
  init: DialectsInit,
  lines: AsyncIterable<string>,
  settle: (tx: Tx) => Promise<void>,
): Promise<number> {
  return withDatabase(components, init, async (db) => {
    const plain = db as unknown as AnyDb
    const reading = lines[Symbol.asyncIterator]()
    const first = await reading.next()
    const head = first.done === true ? '' : first.value
    const { form, steps = [] } = head === '' ? {} : parsed(head)
    if (form !== FORM || steps.length === 0) throw invalid('the file is no backup of a manager')
    const found = await stepsOf(db)
    if (found.length === 0) await migrate(db, steps.at(-1))
    const there = await stepsOf(db)
    if (there.join() !== steps.join() || !(await isEmpty(plain))) throw appError('DATABASE_NOT_EMPTY')
    const count = await db
      .transaction()
      .execute(async (tx) => {
        const rows = await replace(tx as unknown as AnyDb, reading, head)
        await settle(tx)
        return rows
      })
      .catch((err: unknown) => {
        throw isAppError(err) && !hasCode(err, 'NAME_TAKEN') ? err : invalid('a row of the backup does not fit', err)
      })
    await migrate(db)
    return count
  })
}
