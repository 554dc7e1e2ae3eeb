import {
  adminBody,
  managerApi,
  type ScheduleAnswer,
  type ScheduleBody,
  scheduleNameSchema,
  specOfSchedule,
  toldTag,
} from '../../../../lib/api/index.ts'
import { appError } from '../../../../lib/base/index.ts'
import { repositoryText } from '../../../../lib/core/index.ts'
import {
  type Exchange,
  pageRequest,
  type Route,
  readJson,
  requireSeen,
  sendEmpty,
  sendJson,
  sendTagged,
} from '../../../../lib/http/index.ts'
import { NOTIFICATION_TYPE, type PushedImages, pushedImages } from '../../../../lib/kraken/index.ts'
import type { Logger } from '../../../../lib/telemetry/index.ts'
import { hasNeed, managerRoute } from '../../managed.ts'
import { callerOf } from '../../people/caller.ts'
import type { ScheduleRounds } from './schedule-rounds.ts'
import type { ScheduleStore } from './schedule-store.ts'

const PAGE = { max: 1000, usual: 100, least: 1 }
/** Most bytes of a notification. */
const MAX_NOTIFICATION = 1024 * 1024

export interface ScheduleRoutesComponents {
  readonly schedules: ScheduleStore
  readonly rounds: Pick<ScheduleRounds, 'pushed'>
  readonly logger: Logger
}

/** @throws BODY_INVALID when its job could never be given */
export function assertJob({ job, onPush }: ScheduleBody): void {
  if (onPush !== undefined && ('targets' in job || 'urls' in job))
    throw appError('BODY_INVALID', { message: 'the targets of a push are what was pushed; the job names none' })
  if (onPush !== undefined && job['kind'] === 'backfill')
    throw appError('BODY_INVALID', { message: 'a push goes to the other clusters by itself; a backfill names tags' })
  const parsed = specOfSchedule(job, onPush === undefined ? undefined : ['pushed:latest'])
  if (parsed.success) return
  const [issue] = parsed.error.issues
  throw appError('BODY_INVALID', { message: `job.${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'malformed'}` })
}

/** @throws SCHEDULE_UNKNOWN */
function nameOf({ params }: Exchange): string {
  const parsed = scheduleNameSchema.safeParse(params['name'])
  if (!parsed.success) throw appError('SCHEDULE_UNKNOWN')
  return parsed.data
}

/** What a build-index or a registry tells as pushed. @throws BODY_INVALID */
function pushedIn(body: unknown): PushedImages {
  const told = toldTag(body)
  if (told === undefined) return pushedImages(body)
  return { manifests: told.target === undefined ? [] : [told.target], malformed: 0 }
}

/** What begins jobs by itself, and what tells of pushes. */
export function scheduleRoutes({ schedules, rounds, logger }: ScheduleRoutesComponents): readonly Route[] {
  const set = async (exchange: Exchange) => {
    const parsed = scheduleNameSchema.safeParse(exchange.params['name'])
    if (!parsed.success)
      throw appError('BODY_INVALID', { message: `name: ${parsed.error.issues[0]?.message ?? 'malformed'}` })
    const body = await adminBody(managerApi.setSchedule, exchange)
    assertJob(body)
    // What a schedule begins is a job: nobody begins one by it who may not give one.
    if (!hasNeed(exchange.principal, managerApi.createJob.needs)) throw appError('RIGHTS_EXCEEDED')
    const check = (before: ScheduleAnswer | undefined) => requireSeen(exchange, before)
    sendTagged(exchange, await schedules.set(parsed.data, body, callerOf(exchange), check))
  }
  const pushed = async (exchange: Exchange) => {
    const body = await readJson(exchange, MAX_NOTIFICATION, { jsonTypes: [NOTIFICATION_TYPE] })
    const { manifests, malformed } = pushedIn(body)
    if (malformed > 0) logger.warn('a notification names manifests that cannot be', { malformed })
    const jobs: string[] = []
    for (const { repository, digest, tag } of manifests)
      jobs.push(...(await rounds.pushed({ repository: repositoryText(repository), digest, tag })))
    sendJson(exchange, 202, { jobs: jobs.slice(0, PAGE.max) })
  }
  return [
    managerRoute(managerApi.schedules, async (exchange) => {
      sendJson(exchange, 200, await schedules.page(pageRequest(exchange.query, PAGE)))
    }),
    managerRoute(managerApi.schedule, async (exchange) => sendTagged(exchange, await schedules.get(nameOf(exchange)))),
    managerRoute(managerApi.setSchedule, set),
    managerRoute(managerApi.removeSchedule, async (exchange) => {
      await schedules.remove(nameOf(exchange), exchange.principal.name)
      sendEmpty(exchange, 204)
    }),
    managerRoute(managerApi.pushed, pushed),
  ]
}
