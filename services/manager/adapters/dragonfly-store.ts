import { appError } from '../../../lib/base/index.ts'
import type { ManagerDatabase } from '../database/index.ts'
import { type Job, jobOf, nextNumber } from '../jobs/index.ts'
import { type DragonflyState, shownOf } from './dragonfly-answer.ts'

/** Rows of a list that may be passed over: such lists are by pages. */
export const MAX_SKIPPED = 10_000

const statesOf: Readonly<Record<DragonflyState, readonly string[]>> = {
  PENDING: ['waiting', 'running'],
  SUCCESS: ['done'],
  FAILURE: ['failed', 'cancelled'],
}

/** What tools of Dragonfly see of the jobs, and the integers by which they know clusters. */
export interface DragonflyStore {
  /** @throws JOB_UNKNOWN */
  get(number: number): Promise<Job>
  page(asked: {
    readonly skip: number
    readonly count: number
    /** One that no job has here gives an empty page. */
    readonly state?: string | undefined
  }): Promise<{ readonly jobs: readonly Job[]; readonly total: number }>
  /** @throws JOB_UNKNOWN */
  rename(number: number, bio: string, actor: string): Promise<void>
  /** Takes it from these lists; what it does goes on. @throws JOB_UNKNOWN */
  hide(number: number, actor: string): Promise<void>
  /** Gives a number to each cluster that has none. */
  numbers(clusters: readonly string[]): Promise<ReadonlyMap<string, number>>
}

export function dragonflyStore(database: ManagerDatabase): DragonflyStore {
  const get = async (number: number): Promise<Job> => {
    const all = database.read.selectFrom('jobs').selectAll()
    const row = Number.isSafeInteger(number)
      ? await all.where('number', '=', number).where('hidden', '=', 0).executeTakeFirst()
      : undefined
    if (row === undefined) throw appError('JOB_UNKNOWN')
    return jobOf(row)
  }
  const known = async () => {
    const rows = await database.read.selectFrom('clusterNumbers').selectAll().execute()
    return new Map(rows.map(({ clusterId, number }) => [clusterId, number]))
  }
  return {
    get,
    async page({ skip, count, state }) {
      const wanted = Object.entries(statesOf).flatMap(([name, own]) =>
        state === undefined || state === name ? own : [],
      )
      if (wanted.length === 0) return { jobs: [], total: 0 }
      const all = () => database.read.selectFrom('jobs').where('hidden', '=', 0).where('state', 'in', wanted)
      const { total } = await all()
        .select((eb) => eb.fn.countAll<number>().as('total'))
        .executeTakeFirstOrThrow()
      const rows = await all()
        .selectAll()
        .orderBy('number', 'desc')
        .limit(count)
        .offset(Math.min(skip, MAX_SKIPPED))
        .execute()
      return { jobs: skip > MAX_SKIPPED ? [] : rows.map(jobOf), total }
    },
    async rename(number, bio, actor) {
      const job = await get(number)
      const shown = JSON.stringify({ ...shownOf(job), bio })
      await database.change({ actor, action: 'job.describe', target: job.id, detail: { bio } }, (tx) =>
        tx.updateTable('jobs').set({ shown }).where('id', '=', job.id).execute(),
      )
    },
    async hide(number, actor) {
      const { id } = await get(number)
      await database.change({ actor, action: 'job.hide', target: id }, (tx) =>
        tx.updateTable('jobs').set({ hidden: 1 }).where('id', '=', id).execute(),
      )
    },
    async numbers(clusters) {
      const before = await known()
      if (clusters.every((id) => before.has(id))) return before
      await database.keep(async (tx) => {
        const rows = await tx.selectFrom('clusterNumbers').select('clusterId').execute()
        const have = new Set(rows.map(({ clusterId }) => clusterId))
        for (const clusterId of clusters.filter((id) => !have.has(id))) {
          const number = await nextNumber(tx, 'clusters')
          await tx.insertInto('clusterNumbers').values({ clusterId, number }).execute()
        }
      })
      return known()
    },
  }
}
