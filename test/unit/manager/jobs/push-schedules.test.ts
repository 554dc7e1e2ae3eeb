import { describe, expect, test } from '@jest/globals'
import { assertJob } from '../../../../services/manager/jobs/schedules/schedule-routes.ts'

const onPush = { repository: 'team/*' }

describe('a schedule', () => {
  test.each([
    ['a preheat of what was pushed', { onPush, job: { kind: 'preheat' } }, true],
    ['a preheat of what was pushed that names an image', { onPush, job: { kind: 'preheat', targets: ['a:1'] } }, false],
    ['a backfill at its time', { cron: '0 3 * * *', job: { kind: 'backfill', targets: ['team/app:1'] } }, true],
    ['a backfill of what was pushed', { onPush, job: { kind: 'backfill' } }, false],
    ['a job that there is not', { cron: '0 3 * * *', job: { kind: 'nothing' } }, false],
  ])('of %s: %j is taken: %s', (_what, body, isTaken) => {
    const outcome = () => assertJob(body)
    if (isTaken) expect(outcome).not.toThrow()
    else expect(outcome).toThrow(expect.objectContaining({ code: 'BODY_INVALID' }))
  })
})
