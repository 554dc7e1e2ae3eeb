import { type ScheduleAnswer, specOfSchedule } from '../../../../lib/api/index.ts'
import { appError, type Clock, isAppError, starPattern } from '../../../../lib/base/index.ts'
import type { Logger } from '../../../../lib/telemetry/index.ts'
import type { ManagerDatabase } from '../../database/index.ts'
import type { DutyWriter } from '../duty.ts'
import type { GiveJob } from '../give-job.ts'
import { parseCron } from './cron.ts'
import type { ScheduleStore } from './schedule-store.ts'

/** Between two looks for what is due. */
const LOOK_MS = 1_000
/** What is pushed again within this time begins no other job. */
const ONCE_MS = 600_000

export interface ScheduleRoundsComponents {
  readonly schedules: ScheduleStore
  readonly give: GiveJob
  readonly database: Pick<ManagerDatabase, 'read' | 'keep'>
  readonly clock: Clock
  readonly logger: Logger
}

/** An image that was pushed. */
export interface Pushed {
  readonly repository: string
  readonly digest: string
  readonly tag?: string | undefined
}

/** Begins the jobs of schedules. */
export interface ScheduleRounds {
  work(writer: DutyWriter, signal: AbortSignal): Promise<void>
  /** Begins the jobs of all schedules that a push fits; their ids. */
  pushed(image: Pushed): Promise<readonly string[]>
}

const actorOf = ({ name }: ScheduleAnswer): string => `schedule:${name}`

/** @throws BODY_INVALID when the job of the schedule is none any more */
function specIn({ job }: ScheduleAnswer, targets?: readonly string[]) {
  const parsed = specOfSchedule(job as Readonly<Record<string, unknown>>, targets)
  if (!parsed.success) throw appError('BODY_INVALID', { message: parsed.error.issues[0]?.message ?? 'malformed' })
  return parsed.data
}

/** What runs of it: a schedule without `overlap` waits for its end. */
async function runs(
  { database }: Pick<ScheduleRoundsComponents, 'database'>,
  schedule: ScheduleAnswer,
): Promise<boolean> {
  const found = await database.read
    .selectFrom('jobs')
    .select('id')
    .where('schedule', '=', schedule.name)
    .where('state', 'in', ['waiting', 'running'])
    .executeTakeFirst()
  return found !== undefined
}

export function scheduleRounds(components: ScheduleRoundsComponents): ScheduleRounds {
  const { schedules, give, database, clock, logger } = components

  /** One that was missed, for whatever time, comes once. */
  const begin = async (writer: DutyWriter, schedule: ScheduleAnswer): Promise<void> => {
    const { name, cron = '', timeZone, overlap, nextAtMs: dueAtMs = 0 } = schedule
    const nextAtMs = parseCron(cron, timeZone).next(clock.now())
    if (!overlap && (await runs(components, schedule))) {
      await schedules.began(writer, schedule, { code: 'JOB_RUNNING', nextAtMs })
      return
    }
    try {
      const given = { spec: specIn(schedule), actor: actorOf(schedule), key: `at ${dueAtMs}`, schedule: name }
      const { id } = await give(given)
      await schedules.began(writer, schedule, { job: id, nextAtMs })
    } catch (err) {
      if (!isAppError(err)) throw err
      logger.warn('a schedule could not begin its job', { schedule: name, err })
      await schedules.began(writer, schedule, { code: err.code, ...(!err.retryable && { nextAtMs }) })
    }
  }

  return {
    async work(writer, signal) {
      while (!signal.aborted) {
        for (const schedule of await schedules.due(clock.now())) await begin(writer, schedule)
        await clock.sleep(LOOK_MS, { signal })
      }
    },
    async pushed({ repository, digest, tag }) {
      const begun: string[] = []
      for (const schedule of await schedules.ofPushes()) {
        const { onPush, name } = schedule
        const fits =
          onPush !== undefined &&
          starPattern(onPush.repository).fits(repository) &&
          (onPush.tag === undefined || (tag !== undefined && starPattern(onPush.tag).fits(tag)))
        if (!fits) continue
        const key = `push ${Math.floor(clock.now() / ONCE_MS)} ${name.slice(0, 32)} ${digest.slice(0, 72)}`
        const spec = specIn(schedule, [`${repository}@${digest}`])
        const { id } = await give({ spec, actor: actorOf(schedule), key, schedule: name })
        await schedules.began(database, schedule, { job: id })
        begun.push(id)
      }
      return begun
    },
  }
}
