import { expect, test } from '@jest/globals'
import { jobAnswer, jobLine } from '../../../../services/manager/jobs/job-answer.ts'
import type { Job } from '../../../../services/manager/jobs/model.ts'

const sums = { rows: { waiting: 1, running: 0, done: 0, failed: 0, cancelled: 0 }, bytes: 2, doneBytes: 1 }
const job = { id: 'j', number: 1, kind: 'query', state: 'running', actor: 'user:ada', createdAtMs: 1, untilMs: 2 }

test('a list counts what may be thousands', () => {
  const many = Array.from({ length: 100 }, (_, i) => `team/app-${i}:1`)
  const whole = jobAnswer({ ...job, spec: { kind: 'query', targets: many, hosts: many } } as unknown as Job, sums)
  expect(jobLine(whole)).toEqual({
    ...whole,
    spec: { kind: 'query', targets: many.slice(0, 5), targetsCount: 100, named: 100 },
  })
})

test('a list shows a small job as it is', () => {
  const whole = jobAnswer({ ...job, spec: { kind: 'query', targets: ['team/app:1'] } } as unknown as Job, sums)
  expect(jobLine(whole)).toEqual(whole)
})
