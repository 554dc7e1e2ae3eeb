import { setImmediate } from 'node:timers/promises'
import { describe, expect, test } from '@jest/globals'
import { appError, fakeClock, seededRandom } from '../../../lib/base/index.ts'
import { recordingLogger } from '../../../lib/telemetry/index.ts'
import { dragonflyStore } from '../../../services/manager/adapters/dragonfly-store.ts'
import { jobLedger, sweepJobs } from '../../../services/manager/jobs/job-ledger.ts'
import { type JobFilter, jobStore, type NewJob } from '../../../services/manager/jobs/job-store.ts'
import { newRow } from '../../../services/manager/jobs/model.ts'
import { scheduleRounds } from '../../../services/manager/jobs/schedules/schedule-rounds.ts'
import { scheduleStore } from '../../../services/manager/jobs/schedules/schedule-store.ts'
import { eachManagerDatabase, type MadeDatabase } from '../../kit/manager/databases.ts'

const START = Date.UTC(2026, 0, 1, 2, 59, 30)
const DAY_MS = 86_400_000
const spec = { kind: 'query', targets: ['team/app:1'] } as const
const part = { cluster: 'a', step: 'fleet', spec: { order: 'query', target: 'team/app:1' } } as const
const job: NewJob = { actor: 'user:ada', spec, parts: [part], untilMs: START + 60_000 }

function partsOf({ database }: Pick<MadeDatabase, 'database'>) {
  const clock = fakeClock()
  const random = seededRandom(3)
  const read = () => database.read
  return {
    clock,
    store: jobStore({ database, clock, random }),
    ledger: jobLedger({ read, keep: (work) => database.keep(work), clock }),
    shapes: dragonflyStore(database),
    schedules: scheduleStore({ database, clock }),
    sweep: (beforeMs: number) => sweepJobs({ read, keep: (work) => database.keep(work) }, beforeMs),
  }
}

eachManagerDatabase((open) => {
  describe('jobs', () => {
    test('are numbered, kept with their parts, and told of to the audit without secrets', async () => {
      await using made = await open()
      const { store } = partsOf(made)
      const [one, two] = [await store.add(job), await store.add(job)]
      expect([one.number, two.number, one.state]).toEqual([1, 2, 'waiting'])
      const again = partsOf(await made.reopened())
      expect(await again.store.get(one.id)).toEqual(one)
      expect(await again.store.get(2)).toEqual(two)
      expect(await again.store.parts(one.id)).toMatchObject([{ ...part, n: 0, state: 'waiting' }])
      const audit = await made.database.read.selectFrom('audit').selectAll().execute()
      expect(audit.map(({ action, target }) => [action, target])).toEqual([
        ['job.create', one.id],
        ['job.create', two.id],
      ])
    })

    test('of one key of one actor are one, also when they are given at the same time', async () => {
      await using made = await open()
      const { store } = partsOf(made)
      const keyed = { ...job, key: 'k' }
      const given = await Promise.all([store.add(keyed), store.add(keyed), store.add(keyed)])
      expect(new Set(given.map(({ id }) => id)).size).toBe(1)
      await expect(store.add({ ...keyed, spec: { ...spec, zone: 'b' } })).rejects.toMatchObject({
        code: 'JOB_KEY_TAKEN',
      })
      expect((await store.add({ ...keyed, actor: 'user:bob' })).id).not.toBe(given[0].id)
      expect((await store.page({ count: 10, last: undefined })).jobs).toHaveLength(2)
    })

    test('are shown by pages, the newest first, by state and kind', async () => {
      await using made = await open()
      const { store, ledger, clock } = partsOf(made)
      const ids: string[] = []
      for (let i = 0; i < 5; i += 1) {
        await clock.advance(1)
        ids.push((await store.add(i < 2 ? { ...job, spec: { kind: 'gc' } } : job)).id)
      }
      await ledger.setJob(ids[4] ?? '', { state: 'done' })
      const first = await store.page({ count: 2, last: undefined })
      const rest = await store.page({ count: 9, last: first.next })
      expect([...first.jobs, ...rest.jobs].map(({ id }) => id)).toEqual(ids.toReversed())
      expect(rest.next).toBeUndefined()
      expect((await store.page({ count: 9, last: undefined }, { kind: 'gc' })).jobs).toHaveLength(2)
      expect((await store.page({ count: 9, last: undefined }, { state: 'done' })).jobs.map(({ id }) => id)).toEqual([
        ids[4],
      ])
    })

    test('are shown by who gave them, and by the clusters that do them', async () => {
      await using made = await open()
      const { store, clock } = partsOf(made)
      const far = job.parts.map((part) => ({ ...part, cluster: 'far' }))
      const ofBob = await store.add({ ...job, actor: 'user:bob' })
      await clock.advance(1)
      const ofFar = await store.add({ ...job, parts: [...job.parts, ...far] })
      const ids = async (filter: JobFilter) =>
        (await store.page({ count: 9, last: undefined }, filter)).jobs.map(({ id }) => id)
      expect(await ids({ actor: 'user:bob' })).toEqual([ofBob.id])
      expect(await ids({ cluster: 'far' })).toEqual([ofFar.id])
      expect(await ids({ cluster: job.parts[0]?.cluster })).toEqual([ofFar.id, ofBob.id])
      expect(await ids({ cluster: 'far', actor: 'user:bob' })).toEqual([])
    })

    test('are cancelled once, and not after their end', async () => {
      await using made = await open()
      const { store, ledger } = partsOf(made)
      const { id } = await store.add(job)
      const { cancelAtMs } = await store.cancel(id, 'user:ada')
      expect(cancelAtMs).toBeDefined()
      expect((await store.cancel(id, 'user:bob')).cancelAtMs).toBe(cancelAtMs)
      await ledger.setJob(id, { state: 'cancelled' })
      await expect(store.cancel(id, 'user:ada')).rejects.toMatchObject({ code: 'JOB_OVER' })
      await expect(store.cancel('none', 'user:ada')).rejects.toMatchObject({ code: 'JOB_UNKNOWN' })
    })

    test('that are old go with all that belongs to them; open ones stay', async () => {
      await using made = await open()
      const { store, ledger, sweep, clock } = partsOf(made)
      const [old, kept] = [await store.add(job), await store.add(job)]
      await ledger.saveRows(old.id, [newRow(0, 'host')])
      await ledger.setJob(old.id, { state: 'done' })
      expect(await sweep(clock.now() + 1)).toBe(false)
      await expect(store.get(old.id)).rejects.toMatchObject({ code: 'JOB_UNKNOWN' })
      expect(await store.parts(old.id)).toEqual([])
      expect(await store.rows(old.id, { after: 0, count: 9 })).toEqual([])
      expect((await store.get(kept.id)).id).toBe(kept.id)
    })
  })

  describe('the work at a job', () => {
    test('changes rows by numbers that grow, and sums them', async () => {
      await using made = await open()
      const { store, ledger } = partsOf(made)
      const { id } = await store.add(job)
      const rows = [newRow(0, 'h1', { bytes: 5 }), newRow(0, 'h2', { bytes: 7 })]
      await ledger.saveRows(id, rows)
      await ledger.saveRows(id, [{ ...rows[0], state: 'done', doneBytes: 5 } as never])
      const all = await store.rows(id, { after: 0, count: 10 })
      expect(all.map(({ host, seq, state }) => [host, seq, state])).toEqual([
        ['h2', 2, 'waiting'],
        ['h1', 3, 'done'],
      ])
      expect((await store.rows(id, { after: 2, count: 10 })).map(({ host }) => host)).toEqual(['h1'])
      expect(await store.rows(id, { after: 0, count: 10, state: 'failed' })).toEqual([])
      expect(await store.sums(await store.get(id))).toMatchObject({
        rows: { waiting: 1, done: 1 },
        bytes: 12,
        doneBytes: 5,
      })
      await ledger.saveRows(id, [newRow(0, 'h3')], [newRow(0, 'h2')])
      expect((await ledger.rowsOf({ jobId: id, n: 0 })).map(({ host }) => host).toSorted()).toEqual(['h1', 'h3'])
    })

    test('leaves the sums of its rows when it has ended', async () => {
      await using made = await open()
      const { store, ledger } = partsOf(made)
      const { id } = await store.add(job)
      await ledger.saveRows(id, [
        newRow(0, 'h1', { state: 'done', bytes: 5, doneBytes: 5 }),
        newRow(0, 'h2', { state: 'failed' }),
      ])
      await ledger.setJob(id, { state: 'failed', code: 'HOST_AWAY' })
      const ended = await store.get(id)
      expect(ended).toMatchObject({
        state: 'failed',
        code: 'HOST_AWAY',
        sums: { rows: { done: 1, failed: 1 }, bytes: 5 },
      })
      expect(await store.sums(ended)).toBe(ended.sums)
    })

    test('takes any number of rows at a time', async () => {
      await using made = await open()
      const { store, ledger } = partsOf(made)
      const { id } = await store.add(job)
      await ledger.saveRows(
        id,
        Array.from({ length: 5000 }, (_, i) => newRow(0, `host-${i}`)),
      )
      expect((await store.sums(await store.get(id))).rows.waiting).toBe(5000)
    })

    test('ends a part together with what follows from it', async () => {
      await using made = await open()
      const { store, ledger } = partsOf(made)
      const { id } = await store.add(job)
      await ledger.note({ jobId: id, n: 0 }, { state: 'running', member: 'tracker-1' })
      const content = { digest: 'sha256:00', repository: 'team/app', items: [] }
      await ledger.endPart({ jobId: id, n: 0 }, { state: 'done', content, next: [part, part] })
      const again = partsOf(await made.reopened()).ledger
      const { parts } = (await again.look(id, { whole: true })) ?? { parts: [] }
      // What may be much is read only when it is wanted.
      expect((await again.look(id))?.parts.map((each) => each.content)).toEqual([undefined, undefined, undefined])
      expect(parts).toMatchObject([
        { n: 0, state: 'done', member: 'tracker-1', content },
        { n: 1, state: 'waiting' },
        { n: 2, state: 'waiting' },
      ])
      expect((await ledger.open(10)).map((each) => each.id)).toEqual([id])
    })

    test('ends the rows of a part that have not ended together with it', async () => {
      await using made = await open()
      const { store, ledger } = partsOf(made)
      const { id } = await store.add({ ...job, parts: [part, part] })
      await ledger.saveRows(id, [
        newRow(0, 'h1', { state: 'running' }),
        newRow(0, 'h2', { state: 'waiting', code: 'PEER_CLOSED' }),
        newRow(0, 'h3', { state: 'done' }),
        newRow(1, 'h1', { state: 'running' }),
      ])
      await ledger.endPart({ jobId: id, n: 0 }, { state: 'failed', code: 'MEMBER_AWAY' })
      const rows = (await store.rows(id, { after: 0, count: 9 })).map((each) => [
        ...[each.part, each.host, each.state, each.code],
      ])
      expect(rows.slice(0, 2)).toEqual([
        [0, 'h3', 'done', undefined],
        [1, 'h1', 'running', undefined],
      ])
      // They have changed, so whoever follows the job is told.
      expect(rows.slice(2).toSorted()).toEqual([
        [0, 'h1', 'failed', 'MEMBER_AWAY'],
        [0, 'h2', 'failed', 'PEER_CLOSED'],
      ])
      expect(await ledger.look(id)).toMatchObject({ job: { seq: 6 } })
    })

    test('ends a part once, whoever ends it', async () => {
      await using made = await open()
      const { store, ledger } = partsOf(made)
      const { id } = await store.add(job)
      await ledger.endPart({ jobId: id, n: 0 }, { state: 'failed', code: 'REGISTRY_REFUSED' })
      await ledger.endPart({ jobId: id, n: 0 }, { state: 'done', next: [part] })
      expect(await store.parts(id)).toMatchObject([{ n: 0, state: 'failed', code: 'REGISTRY_REFUSED' }])
    })
  })

  describe('other shapes', () => {
    test('see jobs by their numbers until they are hidden, and clusters by numbers that stay', async () => {
      await using made = await open()
      const { store, shapes } = partsOf(made)
      await store.add(job)
      const { id, number } = await store.add(job)
      expect(await shapes.page({ skip: 0, count: 1 })).toMatchObject({ total: 2, jobs: [{ id }] })
      expect(await shapes.page({ skip: 0, count: 9, state: 'SUCCESS' })).toMatchObject({ total: 0, jobs: [] })
      expect(await shapes.page({ skip: 0, count: 9, state: 'PENDING' })).toMatchObject({ total: 2 })
      expect(await shapes.page({ skip: 0, count: 9, state: 'STARTED' })).toEqual({ total: 0, jobs: [] })
      await shapes.hide(number, 'user:ada')
      await expect(shapes.get(number)).rejects.toMatchObject({ code: 'JOB_UNKNOWN' })
      expect((await store.get(id)).id).toBe(id)
      const first = await shapes.numbers(['b', 'a'])
      expect([...(await shapes.numbers(['c', 'a', 'b']))].toSorted()).toEqual([...first, ['c', 3]].toSorted())
    })
  })

  describe('schedules', () => {
    const body = { cron: '0 3 * * *', job: { kind: 'preheat', targets: ['team/app:1'] } }
    const running = (made: Pick<MadeDatabase, 'database'>, parts: ReturnType<typeof partsOf>) => {
      const { store, clock, schedules } = parts
      const begun: unknown[] = []
      const rounds = scheduleRounds({
        ...{ schedules, clock, database: made.database, logger: recordingLogger() },
        requireMaker: async () => undefined,
        give: async ({ spec: asked, actor, key, schedule }) => {
          begun.push([actor, key, asked])
          if (asked.note === 'broken') throw appError('CLUSTER_UNKNOWN')
          if (asked.note === 'full') throw appError('JOBS_FULL')
          return store.add({ ...job, actor, key, schedule, spec: asked })
        },
      })
      const end = new AbortController()
      const look = async () => {
        const working = rounds.work(made.database, end.signal).catch(() => undefined)
        while ((await schedules.due(clock.now())).length > 0) await setImmediate()
        end.abort()
        await working
      }
      return { begun, look, rounds }
    }

    test('are set, replaced, listed by name, and removed', async () => {
      await using made = await open()
      const { schedules } = partsOf(made)
      await schedules.set('b', body, { actor: 'user:ada' })
      await schedules.set('a', body, { actor: 'user:ada' })
      expect(await schedules.set('b', { ...body, enabled: false }, { actor: 'user:bob' })).toMatchObject({
        by: 'user:bob',
        enabled: false,
      })
      const { schedules: all, next } = await schedules.page({ count: 1, last: undefined })
      expect([all.map(({ name }) => name), next]).toEqual([['a'], 'a'])
      await schedules.remove('a', 'user:ada')
      await expect(schedules.get('a')).rejects.toMatchObject({ code: 'SCHEDULE_UNKNOWN' })
      await expect(schedules.remove('a', 'user:ada')).rejects.toMatchObject({ code: 'SCHEDULE_UNKNOWN' })
      await expect(async () =>
        schedules.set('c', { ...body, cron: '0 0 31 4 *' }, { actor: 'x' }),
      ).rejects.toMatchObject({
        code: 'CRON_INVALID',
      })
    })

    test('that were missed for days begin one job, and wait for the next time', async () => {
      await using made = await open()
      const parts = partsOf(made)
      await parts.schedules.set('nightly', body, { actor: 'user:ada' })
      await parts.clock.advance(5 * DAY_MS)
      const { begun, look } = running(made, parts)
      await look()
      expect(begun).toHaveLength(1)
      const now = await parts.schedules.get('nightly')
      expect(now.lastJob).toBe((await parts.store.page({ count: 1, last: undefined })).jobs[0]?.id)
      expect(now.nextAtMs).toBeGreaterThan(parts.clock.now())
      expect((now.nextAtMs ?? 0) - parts.clock.now()).toBeLessThanOrEqual(DAY_MS)
    })

    test.each([
      [false, 1, 'JOB_RUNNING'],
      [true, 2, undefined],
    ])('whose job still runs (overlap %s) have begun %i jobs after their next time', async (overlap, count, code) => {
      await using made = await open()
      const parts = partsOf(made)
      await parts.schedules.set('nightly', { ...body, overlap }, { actor: 'user:ada' })
      for (let i = 0; i < 2; i += 1) {
        await parts.clock.advance(DAY_MS)
        await running(made, parts).look()
      }
      expect((await parts.store.page({ count: 9, last: undefined })).jobs).toHaveLength(count)
      expect((await parts.schedules.get('nightly')).lastCode).toBe(code)
    })

    test('that cannot begin their job say why, and go on', async () => {
      await using made = await open()
      const parts = partsOf(made)
      await parts.schedules.set('broken', { ...body, job: { ...body.job, note: 'broken' } }, { actor: 'user:ada' })
      await parts.clock.advance(DAY_MS)
      await running(made, parts).look()
      expect(await parts.schedules.get('broken')).toMatchObject({ lastCode: 'CLUSTER_UNKNOWN' })
      expect((await parts.schedules.get('broken')).nextAtMs).toBeGreaterThan(parts.clock.now())
    })

    test('of pushes that cannot begin their job say why, and keep no other one from its job', async () => {
      await using made = await open()
      const parts = partsOf(made)
      const onPush = { repository: 'team/*' }
      await parts.schedules.set('a', { onPush, job: { kind: 'preheat', note: 'broken' } }, { actor: 'user:ada' })
      await parts.schedules.set('b', { onPush, job: { kind: 'preheat' } }, { actor: 'user:ada' })
      const { rounds } = running(made, parts)
      const image = { repository: 'team/app', digest: `sha256:${'0'.repeat(64)}` }
      expect(await rounds.pushed(image)).toHaveLength(1)
      expect(await parts.schedules.get('a')).toMatchObject({ lastCode: 'CLUSTER_UNKNOWN' })
    })

    test('of pushes begin a job for what fits them, once', async () => {
      await using made = await open()
      const parts = partsOf(made)
      const onPush = { repository: 'team/*', tag: 'v*' }
      await parts.schedules.set('pushed', { onPush, job: { kind: 'preheat' } }, { actor: 'user:ada' })
      const { rounds, begun } = running(made, parts)
      const image = { repository: 'team/app', digest: `sha256:${'0'.repeat(64)}`, tag: 'v1' }
      const [id] = await rounds.pushed(image)
      expect(await rounds.pushed(image)).toEqual([id])
      expect(await rounds.pushed({ ...image, tag: 'latest' })).toEqual([])
      expect(await rounds.pushed({ ...image, repository: 'other/app' })).toEqual([])
      expect(begun[0]).toMatchObject(['schedule:pushed', expect.any(String), { targets: [`team/app@${image.digest}`] }])
    })

    test('of pushes begin a job for the same content in another repository, and for what the schedule says since', async () => {
      await using made = await open()
      const parts = partsOf(made)
      const onPush = { repository: '*' }
      await parts.schedules.set('pushed', { onPush, job: { kind: 'preheat' } }, { actor: 'user:ada' })
      const { rounds, begun } = running(made, parts)
      const image = { repository: 'dev/app', digest: `sha256:${'0'.repeat(64)}` }
      const first = await rounds.pushed(image)
      const second = await rounds.pushed({ ...image, repository: 'prod/app' })
      expect(new Set([...first, ...second]).size).toBe(2)
      expect(begun.map((each) => (each as { 2: object }[])[2])).toMatchObject([
        { targets: [`dev/app@${image.digest}`] },
        { targets: [`prod/app@${image.digest}`] },
      ])
      await parts.clock.advance(1)
      await parts.schedules.set('pushed', { onPush, job: { kind: 'preheat', scope: 'agents' } }, { actor: 'user:ada' })
      expect(new Set([...first, ...(await rounds.pushed(image))]).size).toBe(2)
    })

    test.each([
      ['broken', 'CLUSTER_UNKNOWN', 'resolve'],
      ['full', 'JOBS_FULL', 'reject'],
    ])(
      'of pushes that cannot begin their job (%s) say why, and keep no other one from its job',
      async (note, code, end) => {
        await using made = await open()
        const parts = partsOf(made)
        const onPush = { repository: '*' }
        await parts.schedules.set('a', { onPush, job: { kind: 'preheat', note } }, { actor: 'user:ada' })
        await parts.schedules.set('b', { onPush, job: { kind: 'preheat' } }, { actor: 'user:ada' })
        const { rounds } = running(made, parts)
        const image = { repository: 'dev/app', digest: `sha256:${'0'.repeat(64)}` }
        // Whoever tells of a push tells it again only after a failure that may pass.
        const told = rounds.pushed(image).then(
          (begun) => ['resolve', begun],
          (err: unknown) => ['reject', (err as { code: string }).code],
        )
        const { lastJob } = await told.then(() => parts.schedules.get('b'))
        expect(lastJob).toBeDefined()
        expect(await told).toEqual([end, end === 'reject' ? code : [lastJob]])
        expect((await parts.schedules.get('a')).lastCode).toBe(code)
      },
    )
  })
})
