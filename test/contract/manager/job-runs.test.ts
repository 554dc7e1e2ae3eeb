import { expect, test } from '@jest/globals'
import { appError } from '../../../lib/base/index.ts'
import { silentMetrics } from '../../../lib/telemetry/index.ts'
import { MAX_JOB_PARTS } from '../../../services/manager/jobs/job-ledger.ts'
import { jobMeters } from '../../../services/manager/jobs/job-meters.ts'
import { runJob } from '../../../services/manager/jobs/job-run.ts'
import { jobRunner } from '../../../services/manager/jobs/job-runner.ts'
import { eventually } from '../../kit/eventually.ts'
import { eachManagerDatabase, type MadeDatabase } from '../../kit/manager/databases.ts'
import { jobRuns, questionOf } from '../../kit/manager/job-runs.ts'

const { signal } = new AbortController()

/** A manager that does one job at a time. */
function worker(made: MadeDatabase) {
  const runs = jobRuns(made)
  const { components, clock } = runs
  const meters = jobMeters(silentMetrics())
  const init = { atOnce: 1, keepMs: Number.MAX_SAFE_INTEGER }
  const runner = jobRunner({ ...components, meters, database: made.database }, init)
  const end = new AbortController()
  const working = runner.work(made.database, end.signal).catch(() => undefined)
  return {
    ...runs,
    /** Looks of the manager, until something is so. */
    looks: (isSo: () => Promise<void>) =>
      eventually(async () => {
        await clock.advance(components.lookMs)
        await isSo()
      }),
    async [Symbol.asyncDispose]() {
      end.abort()
      await working
    },
  }
}

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

  test('a job that nobody can do now leaves its place to one that somebody can, and is done when it can be', async () => {
    await using made = await open()
    await using it = worker(made)
    const limitMs = it.clock.now() + 3_600_000
    const stuck = [await it.store.add(questionOf(limitMs, ['away'])), await it.store.add(questionOf(limitMs, ['away']))]
    const both = await it.store.add(questionOf(limitMs, [...Array(9).fill('away'), 'here']))
    const { id } = await it.store.add(questionOf(limitMs))
    await it.looks(async () => expect(await it.store.get(id)).toMatchObject({ state: 'done' }))
    // So does a part of a job: those that nobody can do keep no other one from its turn.
    await it.looks(async () => expect((await it.store.parts(both.id)).at(-1)).toMatchObject({ state: 'done' }))
    await it.looks(async () => expect((await it.store.get(stuck[1]!.id)).state).toBe('running'))
    it.join('away')
    for (const job of [...stuck, both])
      await it.looks(async () => expect(await it.store.get(job.id)).toMatchObject({ state: 'done' }))
    expect(new Set(it.orders).size).toBe(it.orders.length)
  })

  test('a job leaves its place when nobody answers any more for half a minute, and at once where nobody ever did', async () => {
    await using made = await open()
    const it = jobRuns(made)
    const components = { ...it.components, crowded: () => true }
    const { id } = await it.store.add(questionOf(it.clock.now() + 3_600_000))
    const endOfRun = async () => {
      let end: unknown
      const running = runJob(components, id, signal).then((is) => {
        end = is
      })
      await eventually(async () => {
        await it.clock.advance(it.components.lookMs)
        if (it.answeredMs() > 0) it.part('here')
        expect(end).toBeDefined()
      })
      await running
      return end
    }
    it.last()
    expect(await endOfRun()).toBe('stuck')
    expect(it.clock.now() - it.answeredMs()).toBeGreaterThanOrEqual(30_000)
    expect(await endOfRun()).toBe('silent')
  })

  test('however many parts of a job are for clusters that are away, those for the others are done', async () => {
    await using made = await open()
    await using it = worker(made)
    const away = Array.from({ length: 12 }, (_, i) => `away-${i}`)
    const clusters = Array.from({ length: 12 }, () => [...away, 'here']).flat()
    const { id } = await it.store.add(questionOf(it.clock.now() + 3_600_000, clusters))
    await it.looks(async () => {
      const parts = await it.store.parts(id)
      expect(parts.filter(({ cluster, state }) => cluster === 'here' && state !== 'done')).toEqual([])
    })
    await it.store.cancel(id, 'user:ada')
    await it.looks(async () => expect(await it.store.get(id)).toMatchObject({ state: 'cancelled' }))
    expect((await it.store.parts(id)).filter(({ state }) => state === 'done')).toHaveLength(12)
  })

  test('a job that is cancelled, or whose time is over, before it began ends without a place', async () => {
    await using made = await open()
    await using it = worker(made)
    it.hang()
    const first = await it.store.add(questionOf(it.clock.now() + 3_600_000))
    await it.looks(async () => expect(it.orders).toHaveLength(1))
    const cancelled = await it.store.add(questionOf(it.clock.now() + 3_600_000))
    const late = await it.store.add(questionOf(it.clock.now() + 1))
    await it.store.cancel(cancelled.id, 'user:ada')
    await it.looks(async () => expect(await it.store.get(cancelled.id)).toMatchObject({ state: 'cancelled' }))
    await it.looks(async () =>
      expect(await it.store.get(late.id)).toMatchObject({ state: 'failed', code: 'JOB_TIMEOUT' }),
    )
    expect((await it.store.get(late.id)).startedAtMs).toBeUndefined()
    expect(await it.store.get(first.id)).toMatchObject({ state: 'running' })
    expect(it.orders).toHaveLength(1)
  })

  test('a job of many parts reads all of them once, at its end', async () => {
    await using made = await open()
    const read: number[] = []
    const { store, components, clock } = jobRuns(made, (ledger) => ({
      ...ledger,
      async look(...asked) {
        const found = await ledger.look(...asked)
        read.push(found?.parts.length ?? 0)
        return found
      },
    }))
    const { id } = await store.add(questionOf(clock.now() + 60_000, Array(150).fill('here')))
    await expect(runJob(components, id, signal)).resolves.toEqual({ state: 'done' })
    expect(read.filter((count) => count > 100)).toEqual([150])
  })

  test('a part from which more would follow than one job may have has failed, and the job with it', async () => {
    await using made = await open()
    const { store, components, ledger, clock } = jobRuns(made)
    const spec = { kind: 'distribution', targets: ['team/app:1'] } as const
    const content = { cluster: 'here', step: 'content', spec: { target: 'team/app:1' } } as const
    const { id } = await store.add({ ...questionOf(clock.now() + 60_000), spec, parts: [content, content] })
    const ended = { ...content, jobId: id, n: 0 }
    const next = Array(MAX_JOB_PARTS - 1).fill(ended)
    await expect(ledger.endPart(ended, { state: 'done', next })).rejects.toMatchObject({ code: 'BODY_INVALID' })
    expect(await store.parts(id)).toMatchObject([{ state: 'waiting' }, { state: 'waiting' }])
    // As many as there may be, all of which have ended.
    await ledger.endPart(ended, { state: 'done', next: next.slice(1) })
    await made.database.keep((tx) => tx.updateTable('jobParts').set({ state: 'done' }).where('n', '>', 1).execute())
    await expect(runJob(components, id, signal)).resolves.toMatchObject({ state: 'failed', code: 'BODY_INVALID' })
    expect((await ledger.look(id, { n: 1 }))?.parts).toMatchObject([{ n: 1, state: 'failed', code: 'BODY_INVALID' }])
  })
})
