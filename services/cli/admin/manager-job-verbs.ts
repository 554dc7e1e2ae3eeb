import { jobScopes, type ManagedJobAnswer, managedJobKinds, type managerApi } from '../../../lib/api/index.ts'
import { appError, parseJson } from '../../../lib/base/index.ts'
import { scopeIn, scopeOptions, wordsIn } from './fleet-verbs.ts'
import { ageText, fields, sizeText, table } from './sheet.ts'
import type { VerbOptions, VerbsOf } from './verb.ts'

type JobCalls = Pick<
  typeof managerApi,
  | ('createJob' | 'jobs' | 'job' | 'jobRows' | 'jobContents' | 'jobEvents' | 'cancelJob')
  | ('schedules' | 'schedule' | 'setSchedule' | 'removeSchedule' | 'pushed')
>

const JOB = '0mcq1x2y3-9f9f9f9f9f9f9f9f'
const more = (next: string | undefined) => (next === undefined ? '' : `\n\nmore: --last ${next}`)

const tallyText = (rows: ManagedJobAnswer['rows']) =>
  Object.entries(rows)
    .filter(([, count]) => count > 0)
    .map(([state, count]) => `${count} ${state}`)
    .join(', ') || '-'

const jobFields = (job: ManagedJobAnswer, nowMs: number) =>
  fields({
    job: job.id,
    number: String(job.number),
    kind: job.kind,
    state: job.state,
    by: job.by,
    made: ageText(job.createdAtMs, nowMs),
    limit: ageText(job.untilMs, nowMs),
    ended: ageText(job.endedAtMs, nowMs),
    rows: tallyText(job.rows),
    bytes: `${sizeText(job.doneBytes)} of ${sizeText(job.bytes)}`,
    why: [job.code, job.message].filter((part) => part !== undefined).join(': ') || '-',
  })

const detail = (
  job: ManagedJobAnswer & {
    readonly parts: readonly {
      readonly n: number
      readonly cluster: string
      readonly step: string
      readonly target?: string | undefined
      readonly state: string
      readonly member?: string | undefined
      readonly code?: string | undefined
    }[]
  },
  nowMs: number,
) =>
  [
    jobFields(job, nowMs),
    table(job.parts, [
      ['PART', ({ n }) => String(n)],
      ['CLUSTER', ({ cluster }) => cluster || '-'],
      ['STEP', ({ step }) => step],
      ['TARGET', ({ target }) => target ?? '-'],
      ['STATE', ({ state }) => state],
      ['AT', ({ member }) => member ?? '-'],
      ['ERROR', ({ code }) => code ?? '-'],
    ]),
  ].join('\n\n')

/** @throws CONFIG_INVALID */
function jobBody(options: VerbOptions) {
  const kind = managedJobKinds.find((each) => each === options['kind'])
  if (kind === undefined)
    throw appError('CONFIG_INVALID', { message: `--kind is one of ${managedJobKinds.join(', ')}` })
  const scope = jobScopes.find((each) => each === options['scope'])
  if (options['scope'] !== undefined && scope === undefined)
    throw appError('CONFIG_INVALID', { message: `--scope is one of ${jobScopes.join(', ')}` })
  const { note, dryRun } = options
  const [clusters, targets, urls] = ['clusters', 'targets', 'urls'].map((name) => wordsIn(options[name]))
  return {
    ...{ kind, ...scopeIn(options) },
    ...(scope !== undefined && { scope }),
    ...(clusters !== undefined && { clusters }),
    ...(targets !== undefined && { targets }),
    ...(urls !== undefined && { urls }),
    ...(note !== undefined && { note }),
    ...(dryRun !== undefined && { dryRun: true }),
  }
}

/** @throws CONFIG_INVALID */
function scheduleBody(options: VerbOptions) {
  const { cron, timeZone, onPush, tag, overlap, disabled } = options
  return {
    job: jobBody(options),
    ...(cron !== undefined && { cron }),
    ...(timeZone !== undefined && { timeZone }),
    ...(onPush !== undefined && { onPush: { repository: onPush, ...(tag !== undefined && { tag }) } }),
    ...(overlap !== undefined && { overlap: true }),
    ...(disabled !== undefined && { enabled: false }),
  }
}

const bodyOptions = {
  kind: managedJobKinds.join(', '),
  clusters: 'names or ids of clusters, with commas between them; default: all',
  targets: 'images, or repository@digest, with commas between them',
  urls: 'files of the web, with commas between them',
  scope: `of a preheat: ${jobScopes.join(', ')}`,
  ...scopeOptions,
  atOnce: 'hosts, or at origins blobs, that are worked at at the same time',
  note: 'any text',
}

const scheduleText = (
  each: { readonly name: string; readonly cron?: string | undefined; readonly timeZone: string } & {
    readonly onPush?: { readonly repository: string; readonly tag?: string | undefined } | undefined
  },
) =>
  each.onPush === undefined
    ? `${each.cron} (${each.timeZone})`
    : `push of ${each.onPush.repository}:${each.onPush.tag ?? '*'}`

/** `shoal admin manager` about jobs and schedules: one entry for each call of the API. */
export const managerJobVerbs: VerbsOf<JobCalls> = {
  createJob: {
    example: 'create-job --kind preheat --targets team/app:1.0 --scope agents --zone cn-beijing-a',
    note: 'Credentials for a registry are given over the API alone: a command line is no place for them.',
    options: { ...bodyOptions, key: 'any text: the same job with the same key is the same job' },
    flags: { dryRun: 'of gc and retention: nothing is removed' },
    body: ({ key, ...options }) => ({ ...jobBody(options), ...(key !== undefined && { key }) }),
    show: detail,
  },
  jobs: {
    example: 'jobs --state running',
    show: ({ jobs, next }, nowMs) =>
      table(jobs, [
        ['JOB', ({ id }) => id],
        ['KIND', ({ kind }) => kind],
        ['STATE', ({ state }) => state],
        ['ROWS', ({ rows }) => tallyText(rows)],
        ['MADE', ({ createdAtMs }) => ageText(createdAtMs, nowMs)],
        ['BY', ({ by }) => by],
      ]) + more(next),
  },
  job: { example: `job ${JOB}`, show: detail },
  jobRows: {
    example: `job-rows ${JOB} --state failed`,
    show: ({ rows, next }) =>
      table(rows, [
        ['CLUSTER', ({ cluster }) => cluster],
        ['HOST', ({ host, name }) => name ?? host],
        ['BLOB', ({ blob }) => blob ?? '-'],
        ['STATE', ({ state }) => state],
        ['HOLDS', ({ holds }) => holds ?? '-'],
        ['BYTES', ({ doneBytes, bytes }) => `${sizeText(doneBytes)} of ${sizeText(bytes)}`],
        ['ERROR', ({ code }) => code ?? '-'],
      ]) + more(next),
  },
  jobContents: {
    example: `job-contents ${JOB}`,
    show: ({ contents }) =>
      table(
        contents.flatMap(({ cluster, target, blobs }) => blobs.map((blob) => ({ cluster, target, ...blob }))),
        [
          ['CLUSTER', ({ cluster }) => cluster],
          ['TARGET', ({ target }) => target],
          ['BLOB', ({ digest }) => digest],
          ['SIZE', ({ size }) => (size === undefined ? '-' : sizeText(size))],
        ],
      ),
  },
  jobEvents: { example: `job-events ${JOB}` },
  cancelJob: { example: `cancel-job ${JOB}`, show: detail },
  schedules: {
    example: 'schedules',
    show: ({ schedules, next }, nowMs) =>
      table(schedules, [
        ['NAME', ({ name }) => name],
        ['WHEN', scheduleText],
        ['ON', ({ enabled }) => (enabled ? 'yes' : 'no')],
        ['NEXT', ({ nextAtMs }) => ageText(nextAtMs, nowMs)],
        ['LAST', ({ lastAtMs }) => ageText(lastAtMs, nowMs)],
        ['JOB', ({ lastJob }) => lastJob ?? '-'],
        ['ERROR', ({ lastCode }) => lastCode ?? '-'],
      ]) + more(next),
  },
  schedule: {
    example: 'schedule nightly',
    show: (each, nowMs) =>
      fields({
        name: each.name,
        when: scheduleText(each),
        next: ageText(each.nextAtMs, nowMs),
        job: JSON.stringify(each.job),
      }),
  },
  setSchedule: {
    example:
      "set-schedule nightly --cron '0 3 * * *' --timeZone Asia/Shanghai --kind preheat --targets team/app:stable",
    options: {
      ...bodyOptions,
      cron: 'minute, hour, day of month, month, day of week',
      timeZone: 'as in Asia/Shanghai; default UTC',
      onPush: 'instead of --cron: repositories whose pushes begin the job, with * for any characters',
      tag: 'with --onPush: only pushes of these tags',
    },
    flags: {
      ...{ dryRun: 'of gc and retention: nothing is removed', overlap: 'also while its job of before runs' },
      disabled: 'it begins nothing until it is set again',
    },
    body: scheduleBody,
    show: (each, nowMs) => fields({ name: each.name, when: scheduleText(each), next: ageText(each.nextAtMs, nowMs) }),
  },
  removeSchedule: { example: 'remove-schedule nightly' },
  pushed: {
    example: 'pushed --notification \'{"events":[]}\'',
    options: { notification: 'what a registry would send: JSON with its events' },
    body: ({ notification = '{}' }) => parseJson(notification),
    show: ({ jobs }) => jobs.join('\n') || 'no schedule fits',
  },
}
