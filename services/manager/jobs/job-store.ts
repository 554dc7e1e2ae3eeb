import { createHash } from 'node:crypto'
import type { JobRowAnswer, JobSpec, JobState } from '../../../lib/api/index.ts'
import { appError, type Clock, hasCode, type Random } from '../../../lib/base/index.ts'
import type { PageRequest } from '../../../lib/http/index.ts'
import { newId } from '../database/ids.ts'
import type { ManagerDatabase, Reader, Tx } from '../database/index.ts'
import { partsOfJob, sumsOfRows } from './job-reads.ts'
import { isOpen, type Job, type JobSums, jobOf, type NewPart, newPartRow, type Part } from './model.ts'
import type { JobRowTable } from './tables.ts'

/** Jobs that have not ended. */
export const MAX_OPEN_JOBS = 1000

export interface NewJob {
  readonly actor: string
  readonly spec: JobSpec
  readonly parts: readonly NewPart[]
  readonly untilMs: number
  readonly key?: string | undefined
  readonly shown?: unknown
  readonly schedule?: string | undefined
}

export interface JobFilter {
  readonly state?: JobState | undefined
  readonly kind?: string | undefined
  /** The id of a cluster that has a part of it. */
  readonly cluster?: string | undefined
  readonly actor?: string | undefined
}

/** The jobs of a manager, for whoever gives them and looks at them. */
export interface JobStore {
  /** Durable when it returns. The same key of the same actor with the same content is the same job. @throws JOB_KEY_TAKEN, JOBS_FULL */
  add(job: NewJob): Promise<Job>
  /** By its id or its number. @throws JOB_UNKNOWN */
  get(id: string | number): Promise<Job>
  /** The newest first. */
  page(asked: PageRequest, filter?: JobFilter): Promise<{ readonly jobs: readonly Job[]; readonly next?: string }>
  /** `whole` with the contents of images. */
  parts(id: string, options?: { readonly whole?: boolean }): Promise<readonly Part[]>
  /** How far it is. */
  sums(job: Pick<Job, 'id' | 'sums'>): Promise<JobSums>
  /** In the order of their last changes. */
  rows(
    id: string,
    asked: { readonly after: number; readonly count: number; readonly state?: JobState | undefined },
  ): Promise<readonly Omit<JobRowAnswer, 'cluster'>[]>
  /** Asks for its end. @throws JOB_UNKNOWN, JOB_OVER */
  cancel(id: string, actor: string): Promise<Job>
}

export interface JobStoreComponents {
  readonly database: Pick<ManagerDatabase, 'read' | 'change'>
  readonly clock: Pick<Clock, 'now'>
  readonly random: Random
}

const contentOf = (spec: JobSpec, shown: unknown): string =>
  createHash('sha256')
    .update(JSON.stringify([spec, shown ?? null]))
    .digest('hex')

/** The next number of a kind: one transaction after the other takes it. */
export async function nextNumber(tx: Tx, name: string): Promise<number> {
  await tx
    .insertInto('counters')
    .values({ name, value: 0 })
    .onConflict((conflict) => conflict.column('name').doNothing())
    .execute()
  const { value } = await tx
    .updateTable('counters')
    .set((eb) => ({ value: eb('value', '+', 1) }))
    .where('name', '=', name)
    .returning('value')
    .executeTakeFirstOrThrow()
  return value
}

const unknown = (id: string | number) => appError('JOB_UNKNOWN', { detail: { id: String(id).slice(0, 64) } })

async function find(read: Reader, id: string | number): Promise<Job> {
  const all = read.selectFrom('jobs').selectAll()
  const one = typeof id === 'number' ? all.where('number', '=', id) : all.where('id', '=', id)
  const row = await one.executeTakeFirst()
  if (row === undefined) throw unknown(id)
  return jobOf(row)
}

async function ofKey(read: Reader, { actor, key, spec, shown }: NewJob): Promise<Job | undefined> {
  if (key === undefined) return undefined
  const row = await read
    .selectFrom('jobs')
    .selectAll()
    .where('actor', '=', actor)
    .where('idemKey', '=', key)
    .executeTakeFirst()
  if (row === undefined) return undefined
  if (row.idemDigest !== contentOf(spec, shown)) throw appError('JOB_KEY_TAKEN', { detail: { job: row.id } })
  return jobOf(row)
}

async function assertRoom(tx: Tx): Promise<void> {
  const { open } = await tx
    .selectFrom('jobs')
    .select((eb) => eb.fn.countAll<number>().as('open'))
    .where('state', 'in', ['waiting', 'running'])
    .executeTakeFirstOrThrow()
  if (open >= MAX_OPEN_JOBS)
    throw appError('JOBS_FULL', { message: `the manager keeps ${MAX_OPEN_JOBS} jobs that have not ended` })
}

/** A race for one key was lost: the job is there. */
class TakenMeanwhile extends Error {}

/** The row of a job, and those of its parts. @throws TakenMeanwhile, JOBS_FULL */
async function insert(
  tx: Tx,
  { id, nowMs, job }: { readonly id: string; readonly nowMs: number; readonly job: NewJob },
) {
  if ((await ofKey(tx, job)) !== undefined) throw new TakenMeanwhile()
  await assertRoom(tx)
  const { actor, spec, shown, key, schedule, untilMs, parts } = job
  const row = {
    ...{ id, number: await nextNumber(tx, 'jobs'), kind: spec.kind, state: 'waiting', spec: JSON.stringify(spec) },
    ...{ shown: shown === undefined ? null : JSON.stringify(shown), actor, schedule: schedule ?? null },
    ...{ idemKey: key ?? null, idemDigest: key === undefined ? null : contentOf(spec, shown) },
    ...{ createdAtMs: nowMs, startedAtMs: null, endedAtMs: null, untilMs, cancelAtMs: null },
    ...{ code: null, message: null, seq: 0, sums: null, hidden: 0 },
  }
  await tx.insertInto('jobs').values(row).execute()
  await tx
    .insertInto('jobParts')
    .values(parts.map((part, n) => newPartRow(id, n, part)))
    .execute()
  return jobOf(row)
}

export function jobStore(components: JobStoreComponents): JobStore {
  const { database, clock } = components
  const add = async (job: NewJob): Promise<Job> => {
    const before = await ofKey(database.read, job)
    if (before !== undefined) return before
    const id = newId(components)
    const entry = { actor: job.actor, action: 'job.create', target: id, detail: job.spec }
    try {
      return await database.change(entry, (tx) => insert(tx, { id, nowMs: Math.floor(clock.now()), job }))
    } catch (err) {
      if (!(await wasTaken(database.read, job, err))) throw err
      return add(job)
    }
  }
  return {
    add,
    get: (id) => find(database.read, id),
    page: (asked, filter) => pageOf(database.read, asked, filter),
    parts: (id, asked) => partsOfJob(database.read, id, asked),
    sums: ({ id, sums }) => (sums === undefined ? sumsOfRows(database.read, id) : Promise.resolve(sums)),
    async rows(id, { after, count, state }) {
      let all = database.read
        .selectFrom('jobRows')
        .selectAll()
        .where('jobId', '=', id)
        .where('seq', '>', after)
        .orderBy('seq')
        .limit(count)
      if (state !== undefined) all = all.where('state', '=', state)
      return (await all.execute()).map(rowAnswer)
    },
    cancel: (id, actor) =>
      database.change({ actor, action: 'job.cancel', target: id }, async (tx) => {
        const job = await find(tx, id)
        if (!isOpen(job.state)) throw appError('JOB_OVER')
        if (job.cancelAtMs !== undefined) return job
        const cancelAtMs = Math.floor(clock.now())
        await tx.updateTable('jobs').set({ cancelAtMs }).where('id', '=', id).execute()
        return { ...job, cancelAtMs }
      }),
  }
}

/** Whether somebody else has given the job with its key meanwhile, which is why it could not be added. */
async function wasTaken(read: Reader, job: NewJob, err: unknown): Promise<boolean> {
  if (hasCode(err, 'JOBS_FULL', 'JOB_KEY_TAKEN')) return false
  return (await ofKey(read, job)) !== undefined
}

async function pageOf(
  read: Reader,
  { count, last }: PageRequest,
  { state, kind, cluster, actor }: JobFilter = {},
): Promise<{ readonly jobs: readonly Job[]; readonly next?: string }> {
  let all = read
    .selectFrom('jobs')
    .selectAll()
    .orderBy('id', 'desc')
    .limit(count + 1)
  if (last !== undefined) all = all.where('id', '<', last)
  if (state !== undefined) all = all.where('state', '=', state)
  if (kind !== undefined) all = all.where('kind', '=', kind)
  if (actor !== undefined) all = all.where('actor', '=', actor)
  if (cluster !== undefined)
    all = all.where((eb) =>
      eb.exists(
        eb
          .selectFrom('jobParts')
          .select('n')
          .whereRef('jobParts.jobId', '=', 'jobs.id')
          .where('jobParts.cluster', '=', cluster),
      ),
    )
  const found = await all.execute()
  const jobs = found.slice(0, count).map(jobOf)
  const next = found.length > count ? jobs.at(-1)?.id : undefined
  return { jobs, ...(next !== undefined && { next }) }
}

function rowAnswer(row: JobRowTable): Omit<JobRowAnswer, 'cluster'> {
  const { seq, part, host, blob, attempts, bytes, doneBytes, blobs, doneBlobs } = row
  const given = Object.entries({ name: row.name, address: row.address, zone: row.zone, code: row.code })
  return {
    ...{ seq, part, host, state: row.state as JobState, attempts, bytes, doneBytes, blobs, doneBlobs },
    ...(blob !== '' && { blob }),
    ...Object.fromEntries(given.filter(([, value]) => value !== null)),
    ...(row.holds !== null && { holds: row.holds as NonNullable<JobRowAnswer['holds']> }),
  }
}
