import { appError, type Clock } from '../../../lib/base/index.ts'
import type { ManagerDatabase, Tx } from '../database/index.ts'
import { type Left, leftOf, type PartsAsked, partsOfJob, sumsOfRows } from './job-reads.ts'
import { type Content, type Ending, type Job, jobOf, type NewPart, newPartRow, type Part, type Row } from './model.ts'
import type { JobRowTable, JobTable } from './tables.ts'

/** Rows of one statement: SQLite takes 32,766 values. */
const ROWS_AT_ONCE = 500
/** Jobs that are removed in one transaction. */
const SWEPT = 50
/** Parts of one job, with all that follow from those it began with. */
export const MAX_JOB_PARTS = 10_000

/** What is noted of a part while it is worked at. */
export interface PartNote {
  readonly state?: 'running'
  readonly member?: string | undefined
  readonly remoteId?: string
}

export interface PartEnd extends Ending {
  readonly content?: Content | undefined
  /** What follows; both are durable, or neither. */
  readonly next?: readonly NewPart[]
}

/** A job that has not ended, without what may be much. */
export type OpenJob = Pick<JobTable, 'id' | 'kind' | 'state' | 'createdAtMs' | 'untilMs' | 'cancelAtMs'> & Left

/** The jobs of a manager, for the one who does them. */
export interface JobLedger {
  /** Those that have not ended, the oldest first. */
  open(count: number): Promise<readonly OpenJob[]>
  /** The job and its parts, or some of them; undefined when it was removed. */
  look(id: string, asked?: PartsAsked): Promise<{ readonly job: Job; readonly parts: readonly Part[] } | undefined>
  note(part: Pick<Part, 'jobId' | 'n'>, note: PartNote): Promise<void>
  /** Its rows that have not ended end with it. Does nothing to a part that has ended already, whoever ended it. */
  /** @throws BODY_INVALID when more would follow than one job may have; then it has not ended */
  endPart(part: Pick<Part, 'jobId' | 'n'>, end: PartEnd): Promise<void>
  rowsOf(part: Pick<Part, 'jobId' | 'n'>): Promise<readonly Row[]>
  /** Rows as they are now, in place of those of before; `gone` are no more. */
  saveRows(jobId: string, rows: readonly Row[], gone?: readonly Pick<Row, 'part' | 'host' | 'blob'>[]): Promise<void>
  /** The job begins, or has ended. */
  setJob(id: string, to: { readonly state: 'running' } | Ending): Promise<void>
}

export interface LedgerComponents {
  readonly read: () => ManagerDatabase['read']
  /** Writes nothing once somebody else does the jobs. */
  readonly keep: ManagerDatabase['keep']
  readonly clock: Pick<Clock, 'now'>
}

async function upsert(tx: Tx, jobId: string, rows: readonly Row[], firstSeq: number): Promise<void> {
  for (let at = 0; at < rows.length; at += ROWS_AT_ONCE) {
    const values = rows.slice(at, at + ROWS_AT_ONCE).map((row, i) => ({ ...row, jobId, seq: firstSeq + at + i }))
    await tx
      .insertInto('jobRows')
      .values(values)
      .onConflict((conflict) =>
        conflict.columns(['jobId', 'part', 'host', 'blob']).doUpdateSet((eb) => ({
          ...{ name: eb.ref('excluded.name'), address: eb.ref('excluded.address'), zone: eb.ref('excluded.zone') },
          ...{ state: eb.ref('excluded.state'), code: eb.ref('excluded.code') },
          ...{ attempts: eb.ref('excluded.attempts'), holds: eb.ref('excluded.holds'), seq: eb.ref('excluded.seq') },
          ...{ bytes: eb.ref('excluded.bytes'), doneBytes: eb.ref('excluded.doneBytes') },
          ...{ blobs: eb.ref('excluded.blobs'), doneBlobs: eb.ref('excluded.doneBlobs') },
        })),
      )
      .execute()
  }
}

/** The first of so many new numbers of changes. */
async function takeSeq(tx: Tx, jobId: string, count: number): Promise<number> {
  const { seq } = await tx
    .updateTable('jobs')
    .set((eb) => ({ seq: eb('seq', '+', count) }))
    .where('id', '=', jobId)
    .returning('seq')
    .executeTakeFirstOrThrow()
  return seq - count + 1
}

/** What follows a part gets the next numbers. @throws BODY_INVALID */
async function addParts(tx: Tx, jobId: string, next: readonly NewPart[]): Promise<void> {
  if (next.length === 0) return
  const { last } = await tx
    .selectFrom('jobParts')
    .select((eb) => eb.fn.max<number | null>('n').as('last'))
    .where('jobId', '=', jobId)
    .executeTakeFirstOrThrow()
  if ((last ?? 0) + next.length >= MAX_JOB_PARTS)
    throw appError('BODY_INVALID', {
      message: `at most ${MAX_JOB_PARTS} parts in one job, such as blobs times clusters`,
    })
  const values = next.map((part, i) => newPartRow(jobId, (last ?? 0) + 1 + i, part))
  for (let at = 0; at < values.length; at += ROWS_AT_ONCE)
    await tx
      .insertInto('jobParts')
      .values(values.slice(at, at + ROWS_AT_ONCE))
      .execute()
}

/** What was under way is not any more: nobody looks after the rows of a part that has ended. */
async function endRows(
  tx: Tx,
  { jobId, n }: Pick<Part, 'jobId' | 'n'>,
  { state, code }: Pick<Row, 'state' | 'code'>,
): Promise<void> {
  const open = await tx
    .selectFrom('jobRows')
    .selectAll()
    .where('jobId', '=', jobId)
    .where('part', '=', n)
    .where('state', 'in', ['waiting', 'running'])
    .execute()
  if (open.length === 0) return
  const ended = open.map((row): Row => ({ ...plainRow(row), state, code: row.code ?? code }))
  await upsert(tx, jobId, ended, await takeSeq(tx, jobId, ended.length))
}

function plainRow(row: JobRowTable): Row {
  const { part, host, blob, name, address, zone, state, code, attempts, bytes, doneBytes, blobs, doneBlobs, holds } =
    row
  return { part, host, blob, name, address, zone, state, code, attempts, bytes, doneBytes, blobs, doneBlobs, holds }
}

export function jobLedger(components: LedgerComponents): JobLedger {
  return { ...ledgerReads(components), ...ledgerWrites(components) }
}

type Reads = 'open' | 'look' | 'rowsOf'

function ledgerReads({ read }: Pick<LedgerComponents, 'read'>): Pick<JobLedger, Reads> {
  return {
    async open(count) {
      const open = await read()
        .selectFrom('jobs')
        .select(['id', 'kind', 'state', 'createdAtMs', 'untilMs', 'cancelAtMs'])
        .where('state', 'in', ['waiting', 'running'])
        .orderBy('id')
        .limit(count)
        .execute()
      const left = await leftOf(read())
      return open.map((job): OpenJob => ({ ...job, ...(left.get(job.id) ?? { left: 'work', beat: null }) }))
    },
    async look(id, asked) {
      const row = await read().selectFrom('jobs').selectAll().where('id', '=', id).executeTakeFirst()
      return row === undefined ? undefined : { job: jobOf(row), parts: await partsOfJob(read(), id, asked) }
    },
    async rowsOf({ jobId, n }) {
      const rows = await read()
        .selectFrom('jobRows')
        .selectAll()
        .where('jobId', '=', jobId)
        .where('part', '=', n)
        .execute()
      return rows.map(plainRow)
    },
  }
}

function ledgerWrites({ keep, clock }: LedgerComponents): Omit<JobLedger, Reads> {
  return {
    async note({ jobId, n }, note) {
      await keep((tx) =>
        tx.updateTable('jobParts').set(note).where('jobId', '=', jobId).where('n', '=', n).executeTakeFirst(),
      )
    },
    async endPart({ jobId, n }, { state, code, message, content, next = [] }) {
      await keep(async (tx) => {
        const end = { state, code: code ?? null, message: message?.slice(0, 1024) ?? null }
        const { numUpdatedRows } = await tx
          .updateTable('jobParts')
          .set({ ...end, ...(content !== undefined && { content: JSON.stringify(content) }) })
          .where('jobId', '=', jobId)
          .where('n', '=', n)
          .where('state', 'in', ['waiting', 'running'])
          .executeTakeFirst()
        if (numUpdatedRows !== 1n) return
        await endRows(tx, { jobId, n }, end)
        await addParts(tx, jobId, next)
      })
    },
    async saveRows(jobId, rows, gone = []) {
      if (rows.length + gone.length === 0) return
      await keep(async (tx) => {
        for (const { part, host, blob } of gone)
          await tx
            .deleteFrom('jobRows')
            .where('jobId', '=', jobId)
            .where('part', '=', part)
            .where('host', '=', host)
            .where('blob', '=', blob)
            .execute()
        if (rows.length > 0) await upsert(tx, jobId, rows, await takeSeq(tx, jobId, rows.length))
      })
    },
    async setJob(id, to) {
      const atMs = Math.floor(clock.now())
      await keep(async (tx) => {
        const query = tx.updateTable('jobs').where('id', '=', id)
        if (to.state === 'running') return query.set({ state: to.state, startedAtMs: atMs }).execute()
        const { state, code, message } = to
        const sums = JSON.stringify(await sumsOfRows(tx, id))
        return query
          .set({ state, code: code ?? null, message: message?.slice(0, 1024) ?? null, endedAtMs: atMs, sums })
          .execute()
      })
    },
  }
}

/** Removes jobs that ended before a time; whether there may be more. */
export async function sweepJobs(
  { read, keep }: Pick<LedgerComponents, 'read' | 'keep'>,
  beforeMs: number,
): Promise<boolean> {
  const old = await read()
    .selectFrom('jobs')
    .select('id')
    .where('endedAtMs', '<', beforeMs)
    .orderBy('endedAtMs')
    .limit(SWEPT)
    .execute()
  if (old.length === 0) return false
  const ids = old.map(({ id }) => id)
  await keep(async (tx) => {
    await tx.deleteFrom('jobRows').where('jobId', 'in', ids).execute()
    await tx.deleteFrom('jobParts').where('jobId', 'in', ids).execute()
    await tx.deleteFrom('jobs').where('id', 'in', ids).execute()
  })
  return old.length === SWEPT
}
