import { describe, expect, test } from '@jest/globals'
import { jobStates as apiStates, managedJobKinds, managerApi } from '../../../../lib/api/index.ts'
import {
  credentialsOf,
  emptyFields,
  fieldsAsked,
  fieldsOf,
  type JobFields,
  keyFor,
  lackOf,
  phraseOf,
  specOf,
} from '../../../../services/manager/console/src/pure/job-form.ts'
import {
  failuresOf,
  noProgress,
  rowsIn,
  shareDone,
  speedOf,
  withJob,
  withRows,
} from '../../../../services/manager/console/src/pure/job-state.ts'
import {
  emptySchedule,
  pausedOrNot,
  scheduleBody,
  scheduleFieldsOf,
} from '../../../../services/manager/console/src/pure/schedule-form.ts'
import {
  type Job,
  type JobKind,
  type JobRow,
  jobKinds,
  jobStates,
  type Schedule,
} from '../../../../services/manager/console/src/state/jobs.ts'

const filled: JobFields = {
  ...emptyFields,
  ...{ targets: 'team/app:1\nteam/api:2, team/app:1', urls: 'https://a.example/f', clusters: ['ams'], scope: 'agents' },
  ...{ which: 'zone', zone: ' ams-a ', many: 'percent', percent: '50', count: '3', platforms: 'linux/amd64' },
  ...{ atOnce: '5', minutes: '90', note: ' before the release ' },
}
const ofKind = (kind: JobKind, more: Partial<JobFields> = {}): JobFields => ({ ...filled, kind, ...more })
const accepted = (body: unknown) => managerApi.createJob.body.safeParse(body).error?.message

describe('the form of a job', () => {
  test('knows the kinds and the states that the API has', () => {
    expect(jobKinds.toSorted()).toEqual(managedJobKinds.toSorted())
    expect(jobStates).toEqual(apiStates)
  })

  test.each(jobKinds)('says of %s what the API takes, whatever else was filled in', (kind) => {
    const fields = ofKind(kind, { urls: kind === 'preheat' ? 'https://a.example/f' : 'https://left.example/over' })
    expect(lackOf(specOf(fields), fields)).toBeUndefined()
    expect(accepted(specOf(fields))).toBeUndefined()
  })

  test('says all of a preheat', () => {
    expect(specOf(filled)).toEqual({
      ...{ kind: 'preheat', targets: ['team/app:1', 'team/api:2'], urls: ['https://a.example/f'], clusters: ['ams'] },
      ...{ scope: 'agents', zone: 'ams-a', percent: 50, platforms: ['linux/amd64'], atOnce: 5, limitSeconds: 5400 },
      note: 'before the release',
    })
  })

  test('names no hosts where origins do it', () => {
    expect(specOf({ ...filled, scope: 'all_origins' })).not.toHaveProperty('zone')
    expect(accepted(specOf({ ...filled, scope: 'all_origins' }))).toBeUndefined()
  })

  test.each(['preheat', 'query', 'gc', 'backfill'] as const)('of %s is the same when it is given again', (kind) => {
    const spec = specOf(ofKind(kind, { which: 'hosts', hosts: '10.0.0.1\nnode-2' }))
    expect(specOf(fieldsOf(spec))).toEqual(spec)
  })

  test('says which field lacks something', () => {
    const lack = (more: Partial<JobFields>) => lackOf(specOf({ ...filled, ...more }), { ...filled, ...more })
    expect(lack({ targets: ' \n', urls: '' })).toBe('targets')
    expect(lack({ targets: '', urls: 'https://a.example/f' })).toBeUndefined()
    expect(lack({ zone: ' ' })).toBe('zone')
    expect(lack({ which: 'hosts', hosts: '' })).toBe('hosts')
    expect(lack({ percent: '' })).toBe('percent')
    expect(lack({ many: 'count', count: '0' })).toBe('count')
    expect(lack({ scope: 'single_origin', percent: '' })).toBeUndefined()
  })

  test('is filled in by its address', () => {
    expect(fieldsAsked({ kind: 'delete', target: 'team/app:1', cluster: 'ams' })).toMatchObject({
      ...{ kind: 'delete', targets: 'team/app:1', clusters: ['ams'] },
    })
    expect(fieldsAsked({ kind: 'nonsense', scope: 'nonsense' })).toEqual(emptyFields)
    expect(fieldsAsked({ target: 'team/app:1' }).scope).toBe('agents')
  })

  test('has typed what removes something, and nothing else', () => {
    expect(phraseOf({ kind: 'delete', targets: ['team/app:1'] })).toBe('team/app:1')
    expect(phraseOf({ kind: 'delete', targets: ['a', 'b'] })).toBe('delete 2')
    expect(phraseOf({ kind: 'gc' })).toBe('gc')
    expect(phraseOf({ kind: 'gc', dryRun: true })).toBeUndefined()
    expect(phraseOf({ kind: 'preheat', targets: ['a'] })).toBeUndefined()
  })

  test('looks only, until somebody says that it may remove', () =>
    expect(specOf(ofKind('gc'))).toMatchObject({ dryRun: true }))

  test('has one key for the same content, and another for another', () => {
    const first = keyFor(undefined, specOf(filled), () => '1')
    expect(keyFor(first, specOf(filled), () => '2')).toBe(first)
    expect(keyFor(first, specOf({ ...filled, note: '' }), () => '2').key).toBe('2')
  })

  test('shows credentials only when some were filled in', () => {
    expect(credentialsOf('', '', '')).toBeUndefined()
    expect(credentialsOf('ada', 'pw', '')).toEqual({ username: 'ada', password: 'pw' })
    expect(credentialsOf('', '', 'abc')).toEqual({ headers: { authorization: 'Bearer abc' } })
    expect(accepted({ ...specOf(filled), credentials: credentialsOf('ada', 'pw', 'abc') })).toBeUndefined()
  })
})

const rowOf = (host: string, more: Partial<JobRow> = {}): JobRow => ({
  ...{ seq: 1, part: 0, cluster: 'a', host, state: 'running', attempts: 1 },
  ...{ bytes: 100, doneBytes: 50, blobs: 2, doneBlobs: 1 },
  ...more,
})
const jobOf = (more: Partial<Job> = {}): Job => ({
  ...{
    id: '1',
    kind: 'preheat',
    state: 'running',
    spec: { kind: 'preheat' },
    by: 'user:ada',
    createdAtMs: 0,
    untilMs: 9,
  },
  rows: { waiting: 0, running: 1, done: 2, failed: 1, cancelled: 0 },
  ...{ bytes: 0, doneBytes: 0 },
  ...more,
})

describe('a job that is followed', () => {
  test('has each host once, as it was told last', () => {
    const progress = withRows(noProgress, [rowOf('h'), rowOf('h', { seq: 3, state: 'done' })], false)
    expect(rowsIn(withRows(progress, [rowOf('h', { seq: 2 })], false).rows)).toMatchObject([{ seq: 3, state: 'done' }])
  })

  test('moves a blob to another origin, unless each of them brings it', () => {
    const told = [rowOf('o1', { blob: 'b' }), rowOf('o2', { seq: 2, blob: 'b' })]
    expect(rowsIn(withRows(noProgress, told, false).rows).map(({ host }) => host)).toEqual(['o2'])
    expect(withRows(noProgress, told, true).rows.size).toBe(2)
  })

  test('knows no file any more without its digest once that is known', () =>
    expect(withRows(noProgress, [rowOf('o'), rowOf('o', { seq: 2, blob: 'b' })], false).rows.size).toBe(1))

  test('shows first what failed, then what runs, the newest change first', () => {
    const told = [
      ...[rowOf('d', { seq: 9, state: 'done' }), rowOf('r', { seq: 2 }), rowOf('s', { seq: 3 })],
      rowOf('f', { seq: 1, state: 'failed' }),
    ]
    const { rows } = withRows(noProgress, told, false)
    expect(rowsIn(rows).map(({ host }) => host)).toEqual(['f', 's', 'r', 'd'])
    expect(rowsIn(rows, 'done').map(({ host }) => host)).toEqual(['d'])
  })

  test('keeps a bounded number of rows: of too many, those that are done go', () => {
    const told = Array.from({ length: 5001 }, (_, i) => rowOf(`h${i}`, i === 7 ? { state: 'done' } : {}))
    const { rows, cut } = withRows(noProgress, told, false)
    expect([rows.size, cut, rows.has('0/h7')]).toEqual([5000, true, false])
  })

  test('counts its failures by their codes', () => {
    const failed = (host: string, code?: string) =>
      rowOf(host, { state: 'failed', ...(code !== undefined && { code }) })
    const { rows } = withRows(noProgress, [failed('a', 'X'), failed('b', 'Y'), failed('c', 'Y'), failed('d')], false)
    expect(failuresOf(rows)).toEqual([
      ['Y', 2],
      ['X', 1],
      ['UNKNOWN', 1],
    ])
  })

  test('has the speed of its last seconds while it runs', () => {
    const at = (ms: number, doneBytes: number, state: Job['state'] = 'running') =>
      [jobOf({ doneBytes, state }), ms] as const
    const first = withJob(noProgress, ...at(0, 0))
    expect(speedOf(first)).toBeUndefined()
    const second = withJob(first, ...at(9_000, 90))
    expect(speedOf(second)).toBe(10)
    expect(speedOf(withJob(second, ...at(19_000, 1090)))).toBe(100)
    expect(speedOf(withJob(second, ...at(10_000, 100, 'done')))).toBeUndefined()
  })

  test('is as far as its bytes, or as its hosts where there are none', () => {
    expect(shareDone(jobOf({ bytes: 10, doneBytes: 4 }))).toEqual({ done: 4, of: 10 })
    expect(shareDone(jobOf())).toEqual({ done: 3, of: 4 })
  })
})

describe('the form of a schedule', () => {
  const accepts = (body: unknown) => managerApi.setSchedule.body.safeParse(body).error?.message
  const kept: Schedule = {
    ...{ name: 'nightly', cron: '0 3 * * *', timeZone: 'UTC', overlap: false, enabled: true, by: 'user:ada' },
    job: specOf(filled),
  }

  test('says times, or pushes whose job names nothing', () => {
    const cron = scheduleBody({ ...emptySchedule, name: 'n' }, filled, true)
    expect(cron).toMatchObject({ cron: '0 3 * * *', timeZone: 'UTC', job: { targets: ['team/app:1', 'team/api:2'] } })
    const push = scheduleBody({ ...emptySchedule, occasion: 'push', repository: 'team/*', tag: ' ' }, filled, true)
    expect(push).toMatchObject({ onPush: { repository: 'team/*' }, job: { kind: 'preheat', scope: 'agents' } })
    expect(push.job).not.toHaveProperty('targets')
    expect(push.job).not.toHaveProperty('urls')
    expect([accepts(cron), accepts(push)]).toEqual([undefined, undefined])
  })

  test('is the same when it is opened and saved', () => {
    const { cron, timeZone, overlap, enabled, job } = kept
    const body = scheduleBody(scheduleFieldsOf(kept), fieldsOf(job), enabled)
    expect(body).toEqual({ cron, timeZone, overlap, enabled, job })
  })

  test('is paused without another change', () => {
    expect(pausedOrNot(kept, false)).toEqual({
      ...{ cron: kept.cron, timeZone: 'UTC', overlap: false, enabled: false, job: kept.job },
    })
    expect(accepts(pausedOrNot(kept, false))).toBeUndefined()
  })
})
