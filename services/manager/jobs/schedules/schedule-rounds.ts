import { createHash } from 'node:crypto'
import { type ScheduleAnswer, specOfSchedule } from '../../../../lib/api/index.ts'
import { type AppError, appError, type Clock, isAppError, starPattern } from '../../../../lib/base/index.ts'
import type { Logger } from '../../../../lib/telemetry/index.ts'
import type { ManagerDatabase } from '../../database/index.ts'
import type { DutyWriter } from '../duty.ts'
import type { GiveJob } from '../give-job.ts'
import { parseCron } from './cron.ts'
import type { RequireMaker } from './schedule-maker.ts'
import type { GivenSchedule, ScheduleStore } from './schedule-store.ts'

/** Between two looks for what is due. */
const LOOK_MS = 1_000
/** What is pushed again within this time begins no other job. */
const ONCE_MS = 600_000

export interface ScheduleRoundsComponents {
  readonly schedules: ScheduleStore
  readonly give: GiveJob
  /** Before each job: a schedule has no more rights than who has set it. */
  readonly requireMaker: RequireMaker
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
  /** Begins the jobs of all schedules that a push fits; their ids. @throws what trying again may help against */
  pushed(image: Pushed): Promise<readonly string[]>
}

/** One for what a schedule does with one image, within its time: the same content in another repository is another image. */
const keyOfPush = ({ name, changedAtMs }: ScheduleAnswer, { repository, digest }: Pushed, nowMs: number): string => {
  const told = JSON.stringify([name, changedAtMs, repository, digest])
  return `push ${Math.floor(nowMs / ONCE_MS)} ${createHash('sha256').update(told).digest('hex')}`
}

/** Whether the schedule waits for such a push. */
const isOf = ({ onPush }: ScheduleAnswer, { repository, tag }: Pushed): boolean =>
  onPush !== undefined &&
  starPattern(onPush.repository).fits(repository) &&
  (onPush.tag === undefined || (tag !== undefined && starPattern(onPush.tag).fits(tag)))

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
  const { schedules, give, requireMaker, database, clock, logger } = components

  /** Why it begins no job this time. @throws what is no AppError */
  const refusalOf = (schedule: ScheduleAnswer, err: unknown): AppError => {
    if (!isAppError(err)) throw err
    logger.warn('a schedule could not begin its job', { schedule: schedule.name, err })
    return err
  }

  /** One that was missed, for whatever time, comes once. */
  const begin = async (writer: DutyWriter, schedule: GivenSchedule): Promise<void> => {
    const { name, cron = '', timeZone, overlap, nextAtMs: dueAtMs = 0 } = schedule
    const nextAtMs = parseCron(cron, timeZone).next(clock.now())
    try {
      await requireMaker(schedule)
      if (!overlap && (await runs(components, schedule))) {
        await schedules.began(writer, schedule, { code: 'JOB_RUNNING', nextAtMs })
        return
      }
      const given = { spec: specIn(schedule), actor: actorOf(schedule), key: `at ${dueAtMs}`, schedule: name }
      const { id } = await give(given)
      await schedules.began(writer, schedule, { job: id, nextAtMs })
    } catch (err) {
      const { code, retryable } = refusalOf(schedule, err)
      await schedules.began(writer, schedule, { code, ...(!retryable && { nextAtMs }) })
    }
  }

  /** Begins the job of a schedule that a push fits; its id, or why it begins none, which keeps no other one from its job. */
  const beginPushed = async (schedule: GivenSchedule, image: Pushed): Promise<string | AppError> => {
    try {
      await requireMaker(schedule)
      const spec = specIn(schedule, [`${image.repository}@${image.digest}`])
      const key = keyOfPush(schedule, image, clock.now())
      const { id } = await give({ spec, actor: actorOf(schedule), key, schedule: schedule.name })
      await schedules.began(database, schedule, { job: id })
      return id
    } catch (err) {
      const refusal = refusalOf(schedule, err)
      await schedules.began(database, schedule, { code: refusal.code })
      return refusal
    }
  }

  return {
    async work(writer, signal) {
      while (!signal.aborted) {
        for (const schedule of await schedules.due(clock.now())) await begin(writer, schedule)
        await clock.sleep(LOOK_MS, { signal })
      }
    },
    async pushed(image) {
      const begun: (string | AppError)[] = []
      for (const schedule of await schedules.ofPushes()) {
        if (isOf(schedule, image)) begun.push(await beginPushed(schedule, image))
      }
      // Who has told of the push tells it again; what has begun by it is the same job then.
      const again = begun.filter((each) => isAppError(each)).find(({ retryable }) => retryable)
      if (again !== undefined) throw again
      return begun.filter((each) => typeof each === 'string')
    },
  }
}
