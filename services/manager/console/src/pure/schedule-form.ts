import type { JobSpec, Schedule } from '../state/jobs.ts'
import { type JobFields, specOf } from './job-form.ts'

export const occasions = ['cron', 'push'] as const

/** What stands in the form of a schedule, beside its job. */
export interface ScheduleFields {
  readonly name: string
  readonly occasion: (typeof occasions)[number]
  readonly cron: string
  readonly timeZone: string
  readonly repository: string
  readonly tag: string
  readonly overlap: boolean
}

export const emptySchedule: ScheduleFields = {
  ...{ name: '', occasion: 'cron', cron: '0 3 * * *', timeZone: 'UTC', repository: '', tag: '', overlap: false },
}

export interface ScheduleBody {
  readonly cron?: string
  readonly timeZone?: string
  readonly onPush?: { readonly repository: string; readonly tag?: string }
  readonly overlap: boolean
  readonly enabled: boolean
  readonly job: JobSpec
}

export const scheduleFieldsOf = ({ name, cron, timeZone, onPush, overlap }: Schedule): ScheduleFields => ({
  ...{ name, occasion: onPush === undefined ? 'cron' : 'push', cron: cron ?? '', timeZone },
  ...{ repository: onPush?.repository ?? '', tag: onPush?.tag ?? '', overlap },
})

/** A schedule as the API takes it. Of a job for pushes, what it is about is what was pushed. */
export function scheduleBody(fields: ScheduleFields, job: JobFields, enabled: boolean): ScheduleBody {
  const { occasion, cron, timeZone, repository, tag, overlap } = fields
  const spec = specOf(job)
  if (occasion === 'cron') return { cron: cron.trim(), timeZone: timeZone.trim(), overlap, enabled, job: spec }
  const rest = Object.fromEntries(Object.entries(spec).filter(([key]) => key !== 'targets' && key !== 'urls')) as Omit<
    typeof spec,
    'targets' | 'urls'
  >
  const onPush = { repository: repository.trim(), ...(tag.trim() !== '' && { tag: tag.trim() }) }
  return { onPush, overlap, enabled, job: rest }
}

/** The same schedule, paused or not. */
export const pausedOrNot = ({ cron, timeZone, onPush, overlap, job }: Schedule, enabled: boolean): ScheduleBody => ({
  ...(cron !== undefined && { cron, timeZone }),
  ...(onPush !== undefined && { onPush }),
  ...{ overlap, enabled, job },
})
