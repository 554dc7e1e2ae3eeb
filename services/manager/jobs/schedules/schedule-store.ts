import type { ScheduleAnswer, ScheduleBody } from '../../../../lib/api/index.ts'
import { appError, type Clock } from '../../../../lib/base/index.ts'
import type { PageRequest } from '../../../../lib/http/index.ts'
import type { ManagerDatabase } from '../../database/index.ts'
import type { Caller } from '../../people/caller.ts'
import { type Giver, giverIds } from '../../people/giver.ts'
import type { DutyWriter } from '../duty.ts'
import type { ScheduleTable } from '../tables.ts'
import { parseCron } from './cron.ts'

export const MAX_SCHEDULES = 1000

/** One that may begin a job, and who has set it. */
export interface GivenSchedule extends ScheduleAnswer {
  readonly giver: Giver
}

/** What begins jobs by itself. */
export interface ScheduleStore {
  page(asked: PageRequest): Promise<{ readonly schedules: readonly ScheduleAnswer[]; readonly next?: string }>
  /** @throws SCHEDULE_UNKNOWN */
  get(name: string): Promise<ScheduleAnswer>
  /** `check` sees what there was and may throw. @throws CRON_INVALID, SCHEDULES_FULL */
  set(
    name: string,
    body: ScheduleBody,
    by: Pick<Caller, 'actor' | 'user' | 'tokenId'>,
    check?: (before: ScheduleAnswer | undefined) => void,
  ): Promise<ScheduleAnswer>
  /** @throws SCHEDULE_UNKNOWN */
  remove(name: string, actor: string): Promise<void>
  /** Those whose time has come. */
  due(nowMs: number): Promise<readonly GivenSchedule[]>
  /** Those that wait for pushes. */
  ofPushes(): Promise<readonly GivenSchedule[]>
  /** Notes what became of its time, unless somebody has changed it meanwhile. */
  began(writer: Pick<DutyWriter, 'keep'>, schedule: ScheduleAnswer, began: Began): Promise<void>
}

export interface Began {
  readonly job?: string | undefined
  readonly code?: string | undefined
  readonly nextAtMs?: number | undefined
}

const maybe = (value: number | null) => value ?? undefined
const given = (fields: Readonly<Record<string, unknown>>) =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined && value !== null))

const answerOf = (row: ScheduleTable): ScheduleAnswer => ({
  ...{ name: row.name, timeZone: row.timeZone, by: row.actor, changedAtMs: row.changedAtMs },
  ...{ overlap: row.overlap === 1, enabled: row.enabled === 1, job: JSON.parse(row.job) as unknown },
  ...given({ cron: row.cron, lastJob: row.lastJob, lastCode: row.lastCode }),
  ...given({ onPush: row.onPush === null ? undefined : (JSON.parse(row.onPush) as unknown) }),
  ...given({ lastAtMs: maybe(row.lastAtMs), nextAtMs: maybe(row.nextAtMs) }),
})

const givenOf = (row: ScheduleTable): GivenSchedule => {
  const { actor, changedAtMs: atMs, byUserId, byTokenId } = row
  return { ...answerOf(row), giver: { actor, atMs, byUserId, byTokenId } }
}

const unknown = (name: string) => appError('SCHEDULE_UNKNOWN', { detail: { schedule: name.slice(0, 64) } })

/** @throws CRON_INVALID when its time never comes */
function firstTime({ cron, timeZone = 'UTC', enabled = true }: ScheduleBody, nowMs: number): number | null {
  if (cron === undefined) return null
  const next = parseCron(cron, timeZone).next(nowMs)
  if (next === undefined) throw appError('CRON_INVALID', { message: 'this time does not come for years' })
  return enabled ? next : null
}

interface StoreComponents {
  readonly database: Pick<ManagerDatabase, 'read' | 'change'>
  readonly clock: Pick<Clock, 'now'>
}

type Reads = Pick<ScheduleStore, 'page' | 'get' | 'due' | 'ofPushes'>

export function scheduleStore(components: StoreComponents): ScheduleStore {
  return { ...scheduleReads(components), ...scheduleWrites(components) }
}

function scheduleReads({ database }: Pick<StoreComponents, 'database'>): Reads {
  const all = () => database.read.selectFrom('schedules').selectAll()
  return {
    async page({ count, last }) {
      const query = all()
        .orderBy('name')
        .limit(count + 1)
      const rows = await (last === undefined ? query : query.where('name', '>', last)).execute()
      const schedules = rows.slice(0, count).map(answerOf)
      const next = rows.length > count ? schedules.at(-1)?.name : undefined
      return { schedules, ...(next !== undefined && { next }) }
    },
    async get(name) {
      const row = await all().where('name', '=', name).executeTakeFirst()
      if (row === undefined) throw unknown(name)
      return answerOf(row)
    },
    async due(nowMs) {
      const rows = await all()
        .where('enabled', '=', 1)
        .where('nextAtMs', '<=', nowMs)
        .orderBy('nextAtMs')
        .limit(100)
        .execute()
      return rows.map(givenOf)
    },
    async ofPushes() {
      const rows = await all().where('enabled', '=', 1).where('onPush', 'is not', null).execute()
      return rows.map(givenOf)
    },
  }
}

function scheduleWrites({ database, clock }: StoreComponents): Omit<ScheduleStore, keyof Reads> {
  return {
    set(name, body, by, check) {
      const { actor } = by
      const nowMs = Math.floor(clock.now())
      const { cron, timeZone = 'UTC', onPush, overlap = false, enabled = true, job } = body
      const fields = {
        ...{ name, cron: cron ?? null, timeZone, onPush: onPush === undefined ? null : JSON.stringify(onPush) },
        ...{ overlap: overlap ? 1 : 0, enabled: enabled ? 1 : 0, job: JSON.stringify(job), changedAtMs: nowMs },
        ...{ actor, ...giverIds(by) },
        // What kept it from its job before is not said of what it is now.
        ...{ nextAtMs: firstTime(body, nowMs), lastCode: null },
      }
      return database.change({ actor, action: 'schedule.set', target: name, detail: body }, async (tx) => {
        const before = await tx.selectFrom('schedules').selectAll().where('name', '=', name).executeTakeFirst()
        check?.(before && answerOf(before))
        if (before !== undefined) {
          await tx.updateTable('schedules').set(fields).where('name', '=', name).execute()
          return answerOf({ ...before, ...fields })
        }
        const { count } = await tx
          .selectFrom('schedules')
          .select((eb) => eb.fn.countAll<number>().as('count'))
          .executeTakeFirstOrThrow()
        if (count >= MAX_SCHEDULES) throw appError('SCHEDULES_FULL')
        const row = { ...fields, lastAtMs: null, lastJob: null }
        await tx.insertInto('schedules').values(row).execute()
        return answerOf(row)
      })
    },
    remove: (name, actor) =>
      database.change({ actor, action: 'schedule.remove', target: name }, async (tx) => {
        const { numDeletedRows } = await tx.deleteFrom('schedules').where('name', '=', name).executeTakeFirst()
        if (Number(numDeletedRows) === 0) throw unknown(name)
      }),
    async began(writer, { name, changedAtMs }, { job, code, nextAtMs }) {
      const lastAtMs = Math.floor(clock.now())
      const noted = { lastAtMs, lastCode: code ?? null, ...(job !== undefined && { lastJob: job }) }
      await writer.keep((tx) =>
        tx
          .updateTable('schedules')
          .set({ ...noted, ...(nextAtMs !== undefined && { nextAtMs }) })
          .where('name', '=', name)
          .where('changedAtMs', '=', changedAtMs)
          .execute(),
      )
    },
  }
}
