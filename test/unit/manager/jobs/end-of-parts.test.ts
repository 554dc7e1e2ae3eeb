import { expect, test } from '@jest/globals'
import { endOfParts } from '../../../../services/manager/jobs/job-run.ts'
import type { Part } from '../../../../services/manager/jobs/model.ts'

const parts = (...states: readonly string[]) => states.map((state) => ({ state, code: `${state}-code` }) as Part)

test.each([
  { what: 'all is done', states: ['done', 'done'], verdict: undefined, end: 'done' },
  { what: 'something has failed', states: ['done', 'failed'], verdict: undefined, end: 'failed' },
  { what: 'something was cancelled elsewhere', states: ['done', 'cancelled'], verdict: undefined, end: 'cancelled' },
  {
    what: 'it was to be cancelled before it was done',
    states: ['failed', 'cancelled'],
    verdict: 'cancel',
    end: 'cancelled',
  },
  { what: 'it was done before it could be cancelled', states: ['done', 'done'], verdict: 'cancel', end: 'done' },
] as const)('is $end when $what', ({ states, verdict, end }) => {
  expect(endOfParts(parts(...states), verdict)).toMatchObject({
    state: end,
    ...(end === 'failed' && { code: 'failed-code' }),
  })
})
