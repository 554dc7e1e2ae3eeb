import { expect, test } from '@jest/globals'
import { appError } from '../../../lib/base/index.ts'
import { runJob } from '../../../services/manager/jobs/job-run.ts'
import { eachManagerDatabase } from '../../kit/manager/databases.ts'
import { jobRuns, questionOf } from '../../kit/manager/job-runs.ts'

const { signal } = new AbortController()

eachManagerDatabase((open) => {
  test.each([
    ['DATABASE_UNAVAILABLE', 'saveRows'],
    ['DATABASE_BUSY', 'rowsOf'],
    ['LEASE_LOST', 'note'],
  ] as const)('%s at a step of a job (%s) is no end of its part: it is gone on with', async (code, call) => {
    await using made = await open()
    let failures = 1
    const { store, components, clock, orders } = jobRuns(made, (ledger) => ({
      ...ledger,
      [call]: async (...args: never[]) => {
        failures -= 1
        if (failures >= 0) throw appError(code)
        return (ledger[call] as (...given: never[]) => Promise<unknown>)(...args)
      },
    }))
    const { id } = await store.add(questionOf(clock.now() + 60_000))
    await expect(runJob(components, id, signal)).rejects.toMatchObject({ cause: { code } })
    expect(await store.parts(id)).toMatchObject([{ state: call === 'note' ? 'waiting' : 'running', code: undefined }])
    await expect(runJob(components, id, signal)).resolves.toEqual({ state: 'done' })
    expect(await store.get(id)).toMatchObject({ state: 'done', sums: { rows: { done: 1 } } })
    expect(orders).toEqual([`manager ${id}.0`])
  })
})
