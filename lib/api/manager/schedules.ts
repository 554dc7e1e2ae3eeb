import { z } from 'zod'
import { adminCall } from '../admin.ts'
import { list, opaque, table, text } from '../bounded.ts'
import { jobSpecSchema } from './jobs.ts'
import { managerCall } from './manager-call.ts'

const MAX_ROWS = 1000

export const scheduleNameSchema = text(64).regex(
  /^[a-z0-9][a-z0-9._-]*$/,
  'lower-case letters, digits, ".", "_" and "-"',
)
/** Names of repositories and tags with `*` and `?`. */
const patternSchema = text(512).min(1)

const keys = {
  /** Minute, hour, day of the month, month, day of the week. */
  cron: text(128).min(1).optional(),
  /** Of the IANA database; default UTC. */
  timeZone: text(64).min(1).optional(),
  /** Each push that fits: the job is about the image that was pushed. */
  onPush: z.strictObject({ repository: patternSchema, tag: patternSchema.optional() }).optional(),
  /** Also while its job of before still runs. */
  overlap: z.boolean().optional(),
  enabled: z.boolean().optional(),
}

/** More than a job has. */
const MAX_KEYS = 64

const scheduleBodySchema = z
  .strictObject({ ...keys, job: table(opaque(), { max: MAX_KEYS, maxKey: 64 }) })
  .superRefine(({ cron, onPush }, ctx) => {
    if ((cron === undefined) === (onPush === undefined))
      ctx.addIssue({ code: 'custom', message: 'say when: exactly one of cron and onPush' })
  })
export type ScheduleBody = z.output<typeof scheduleBodySchema>

/** The job of a schedule; the targets of a push take the place of its own. */
export const specOfSchedule = (job: Readonly<Record<string, unknown>>, targets?: readonly string[]) =>
  jobSpecSchema.safeParse(targets === undefined ? job : { ...job, targets })

const scheduleSchema = z.object({
  name: text(64),
  cron: text(128).optional(),
  timeZone: text(64),
  onPush: z.object({ repository: text(512), tag: text(512).optional() }).optional(),
  overlap: z.boolean(),
  enabled: z.boolean(),
  job: opaque(),
  by: text(255),
  changedAtMs: z.number(),
  /** When it began a job last, and which. */
  lastAtMs: z.number().optional(),
  lastJob: text(64).optional(),
  /** Why it could not begin one. */
  lastCode: text(64).optional(),
  nextAtMs: z.number().optional(),
})
export type ScheduleAnswer = z.output<typeof scheduleSchema>

const reads = { resource: 'schedules', action: 'read' } as const
const writes = { resource: 'schedules', action: 'write' } as const

/** What a manager begins by itself. */
export const scheduleCalls = {
  schedules: managerCall(
    reads,
    adminCall({
      method: 'GET',
      path: '/api/v1/schedules',
      summary: 'what begins jobs by the clock or by pushes, by their names, page by page',
      query: { n: 'entries on one page', last: 'continue after this entry: `next` of the page before' },
      codes: ['PAGINATION_NUMBER_INVALID'],
      answer: z.object({ schedules: list(scheduleSchema, MAX_ROWS), next: text(64).optional() }),
    }),
  ),
  schedule: managerCall(
    reads,
    adminCall({
      method: 'GET',
      path: '/api/v1/schedules/:name',
      summary: 'one of them',
      codes: ['SCHEDULE_UNKNOWN'],
      answer: scheduleSchema,
    }),
  ),
  setSchedule: managerCall(
    writes,
    adminCall({
      method: 'PUT',
      path: '/api/v1/schedules/:name',
      summary: 'makes or replaces one',
      body: scheduleBodySchema,
      codes: ['BODY_INVALID', 'CRON_INVALID', 'RIGHTS_EXCEEDED', 'CHANGED_MEANWHILE', 'SCHEDULES_FULL'],
      answer: scheduleSchema,
    }),
  ),
  removeSchedule: managerCall(
    writes,
    adminCall({
      method: 'DELETE',
      path: '/api/v1/schedules/:name',
      summary: 'removes one; jobs that it has begun go on',
      codes: ['SCHEDULE_UNKNOWN'],
    }),
  ),
  pushed: managerCall(
    { resource: 'jobs', action: 'write' },
    adminCall({
      method: 'POST',
      path: '/api/v1/events',
      summary:
        'a registry, by its notifications, or a build-index, by its webhook, tells of pushes: schedules that fit begin their jobs',
      body: opaque(),
      status: 202,
      codes: ['BODY_INVALID'],
      answer: z.object({ jobs: list(text(64), MAX_ROWS) }),
    }),
  ),
}
