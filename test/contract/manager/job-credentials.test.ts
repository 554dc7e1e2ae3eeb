import { describe, expect, test } from '@jest/globals'
import { abortable, appError, fakeClock, seededRandom } from '../../../lib/base/index.ts'
import { recordingLogger, silentMetrics } from '../../../lib/telemetry/index.ts'
import { MAX_JOB_PARTS } from '../../../services/manager/jobs/job-ledger.ts'
import { jobMeters } from '../../../services/manager/jobs/job-meters.ts'
import { jobRunner } from '../../../services/manager/jobs/job-runner.ts'
import { jobStore } from '../../../services/manager/jobs/job-store.ts'
import { resolver } from '../../../services/manager/jobs/resolver.ts'
import type { StepComponents } from '../../../services/manager/jobs/step.ts'
import { eventually } from '../../kit/eventually.ts'
import { eachManagerDatabase, type MadeDatabase } from '../../kit/manager/databases.ts'

const LIMIT_MS = 120_000
const url = 'https://registry.example/v2/team/app/manifests/1'
const digest = `sha256:${'ab'.repeat(32)}`
const resolve = {
  cluster: '',
  step: 'resolve',
  spec: { target: 'registry.example/team/app:1', url, clusters: ['near'] },
} as const

/** Two managers: one takes jobs, and the other one does them. */
async function pair(made: MadeDatabase) {
  const clock = fakeClock()
  const base = { clock, random: seededRandom(5), logger: recordingLogger() }
  const database = await made.other()
  const shown: unknown[] = []
  let answer: (signal: AbortSignal | undefined) => Promise<string> = async () => digest
  const taker = resolver({
    ...base,
    database: made.database,
    registries: {
      digestOf: async (_url, credentials, { signal }) => {
        shown.push(credentials)
        return (await answer(signal)) as never
      },
    },
  })
  await taker.start()
  const store = jobStore({ ...base, database: made.database })
  const { id, untilMs } = await store.add({
    ...{ actor: 'user:ada', spec: { kind: 'preheat', targets: [url] }, parts: [resolve] },
    untilMs: clock.now() + LIMIT_MS,
  })
  const asked: string[] = []
  const content = async ({ target }: { target: string }) => {
    asked.push(target)
    throw appError('MANIFEST_UNKNOWN')
  }
  const talk = { trackers: () => [{ admin: { content } }] } as unknown as StepComponents['talk']
  /** The other manager does the jobs, one at a time, until this one has ended; time passes for both, also while the database is asked. */
  const done = async (job = id) => {
    const over = new AbortController()
    const components = { ...base, database, talk, lookMs: 1_000, meters: jobMeters(silentMetrics()) }
    const runner = jobRunner(components, { atOnce: 1, keepMs: Number.MAX_SAFE_INTEGER })
    const running = runner.work(database, over.signal).catch(() => undefined)
    try {
      return await eventually(async () => {
        await clock.advance(1_000)
        const now = await store.get(job)
        expect(now.endedAtMs).toBeDefined()
        return now
      })
    } finally {
      over.abort()
      await running
    }
  }
  return {
    ...{ clock, id, untilMs, store, shown, asked, done },
    take: () => taker.take({ id, untilMs }, { password: 'p' }),
    answers: (next: typeof answer) => {
      answer = next
    },
    /** Never, as long as it is waited for. */
    hangs: (signal: AbortSignal | undefined) => abortable(new Promise<never>(() => undefined), signal),
    [Symbol.asyncDispose]: () => taker.stop(),
  }
}

eachManagerDatabase((open) => {
  describe('a job with credentials', () => {
    test('is done by whichever manager: the one that took it asks the registry', async () => {
      await using made = await open()
      await using it = await pair(made)
      it.take()
      expect(await it.done()).toMatchObject({ code: 'MANIFEST_UNKNOWN' })
      expect(it.asked).toEqual([`registry.example/team/app@${digest}`])
      expect(it.shown).toEqual([{ password: 'p' }])
      expect(await it.store.parts(it.id)).toMatchObject([{ state: 'done' }, { step: 'content', state: 'failed' }])
    })

    test('fails as the registry says, when it says no', async () => {
      await using made = await open()
      await using it = await pair(made)
      it.answers(() => Promise.reject(appError('REGISTRY_REFUSED')))
      it.take()
      expect(await it.done()).toMatchObject({ state: 'failed', code: 'REGISTRY_REFUSED' })
    })

    test('fails where more would follow than one job may have, and the registry is asked once', async () => {
      await using made = await open()
      await using it = await pair(made)
      const spec = JSON.stringify({ ...resolve.spec, clusters: Array(MAX_JOB_PARTS).fill('near') })
      await made.database.keep((tx) => tx.updateTable('jobParts').set({ spec }).execute())
      it.take()
      expect(await it.done()).toMatchObject({ state: 'failed', code: 'BODY_INVALID' })
      expect(it.shown).toHaveLength(1)
    })

    test('waits for a registry that takes its time as long as the manager lives that asks it', async () => {
      await using made = await open()
      await using it = await pair(made)
      it.answers(it.hangs)
      it.take()
      expect(await it.done()).toMatchObject({ state: 'failed', code: 'JOB_TIMEOUT' })
      expect(it.clock.now()).toBeGreaterThan(it.untilMs)
    })

    test('keeps no place from others while its registry does not answer, and goes on when it does', async () => {
      await using made = await open()
      await using it = await pair(made)
      it.answers(() => Promise.reject(appError('BACKEND_UNAVAILABLE')))
      it.take()
      await it.clock.advance(1)
      const other = await it.store.add({
        ...{ actor: 'user:ada', spec: { kind: 'preheat', targets: ['team/other:1'] }, untilMs: it.untilMs },
        parts: [{ cluster: 'near', step: 'content', spec: { target: 'team/other:1' } }],
      })
      expect(await it.done(other.id)).toMatchObject({ code: 'MANIFEST_UNKNOWN' })
      expect(await it.store.get(it.id)).toMatchObject({ state: 'running' })
      it.answers(async () => digest)
      expect(await it.done()).toMatchObject({ code: 'MANIFEST_UNKNOWN' })
      expect(it.asked).toEqual(['team/other:1', `registry.example/team/app@${digest}`])
    })

    test('has lost them when nobody says that he has them', async () => {
      await using made = await open()
      await using it = await pair(made)
      expect(await it.done()).toMatchObject({ state: 'failed', code: 'CREDENTIALS_LOST' })
      expect(it.clock.now()).toBeLessThan(it.untilMs)
    })

    test('that is cancelled is asked for no more, and nothing follows what was asked', async () => {
      await using made = await open()
      await using it = await pair(made)
      let cut = false
      it.answers((signal) =>
        it.hangs(signal).finally(() => {
          cut = true
        }),
      )
      it.take()
      await eventually(() => expect(it.shown).toHaveLength(1))
      await it.store.cancel(it.id, 'user:ada')
      expect(await it.done()).toMatchObject({ state: 'cancelled' })
      await eventually(async () => {
        await it.clock.advance(3_000)
        expect(cut).toBe(true)
      })
      expect(await it.store.parts(it.id)).toMatchObject([{ state: 'cancelled' }])
    })
  })
})
