import { expect, test } from '@jest/globals'
import { type Deferred, deferred, fakeClock, ownIdentity, systemRandom } from '../../../lib/base/index.ts'
import { recordingMetrics, silentLogger, silentMetrics } from '../../../lib/telemetry/index.ts'
import { type HeldLease, leases, type ManagerDatabase } from '../../../services/manager/database/index.ts'
import { eventually } from '../../kit/eventually.ts'
import { eachManagerDatabase } from '../../kit/manager/databases.ts'

const times = { beatMs: 1_000, ttlMs: 5_000 }

/** A manager with a clock of its own that works at one duty until its test ends it. */
function worker(database: ManagerDatabase, { ttlMs } = times) {
  const clock = fakeClock()
  let held: HeldLease | undefined
  let over: Deferred<void> = deferred()
  const metrics = recordingMetrics()
  const parts = { database, clock, random: systemRandom(), logger: silentLogger(), metrics }
  const duty = leases(parts, { ...times, ttlMs }).duty('jobs', async (lease, signal) => {
    held = lease
    over = deferred()
    signal.addEventListener('abort', () => over.resolve(), { once: true })
    await over.promise
    held = undefined
  })
  return {
    ...{ clock, duty },
    has: () => metrics.value('shoal_manager_duties', { duty: 'jobs' }),
    losses: () => metrics.value('shoal_manager_duties_lost_total', { duty: 'jobs' }),
    /** Undefined while it has not got the duty. */
    lease: () => held,
    /** Its next look, or its next sign of life, is under way when this resolves; a database may take longer to answer. */
    beat: async () => {
      await clock.advance(times.beatMs)
    },
    [Symbol.asyncDispose]: () => duty.stop(),
  }
}

/** Beats of this one, until something is so. */
const beatsUntil = (one: { beat(): Promise<void> }, isSo: () => boolean) =>
  eventually(async () => {
    await one.beat()
    if (!isSo()) throw new Error('not yet')
  })

eachManagerDatabase((open) => {
  const pair = async () => {
    const made = await open()
    const [first, second] = [worker(made.database), worker(await made.other())]
    await first.duty.start()
    await eventually(() => expect(first.lease()).toBeDefined())
    await second.duty.start()
    return {
      ...{ made, first, second },
      async [Symbol.asyncDispose]() {
        for (const part of [first, second, made]) await part[Symbol.asyncDispose]()
      },
    }
  }
  const rowOf = (database: ManagerDatabase) => database.read.selectFrom('leases').selectAll().executeTakeFirstOrThrow()

  test('of two managers one has the duty, and the other one comes at once after a stop', async () => {
    await using it = await pair()
    for (let i = 0; i < 20; i += 1) {
      const { beat } = await rowOf(it.made.database)
      await eventually(async () => {
        await it.first.beat()
        expect((await rowOf(it.made.database)).beat).toBeGreaterThan(beat)
      })
      await it.second.beat()
    }
    expect(it.first.lease()).toBeDefined()
    expect(it.second.lease()).toBeUndefined()
    expect([it.first.has(), it.second.has()]).toEqual([1, 0])
    const { holder } = await rowOf(it.made.database)
    await it.first.duty.stop()
    // A look of the other one may have been under way: then the duty is its own already.
    expect((await rowOf(it.made.database)).holder).not.toBe(holder)
    await beatsUntil(it.second, () => it.second.lease() !== undefined)
    expect(it.second.lease()?.term).toBe(2)
    expect([it.first.has(), it.second.has(), it.first.losses()]).toEqual([0, 1, 0])
  })

  test('who is silent is succeeded, and writes nothing more', async () => {
    await using it = await pair()
    const late = it.first.lease()!
    // The clock of the first one stands still: it gives no sign of life, and does not know it.
    await beatsUntil(it.second, () => it.second.lease() !== undefined)
    const entry = { actor: 'manager', action: 'job.end', target: 'late' }
    await expect(late.change(entry, async () => 'written')).rejects.toMatchObject({ code: 'LEASE_LOST' })
    await expect(late.keep(async () => 'written')).rejects.toMatchObject({ code: 'LEASE_LOST' })
    await expect(it.second.lease()!.change({ ...entry, target: 'new' }, async () => 'written')).resolves.toBe('written')
    const rows = await it.made.database.read.selectFrom('audit').select('target').execute()
    expect(rows).toEqual([{ target: 'new' }])
    await it.first.beat()
    await eventually(() => expect(it.first.lease()).toBeUndefined())
    await eventually(() => expect([it.first.has(), it.first.losses()]).toEqual([0, 1]))
    expect(it.second.lease()?.term).toBe(late.term + 1)
  })

  test('a holder that works is not succeeded, though its signs of life do not come', async () => {
    await using it = await pair()
    for (let i = 0; i < 20; i += 1) {
      await it.first.lease()!.keep(async () => undefined)
      const { beat } = await rowOf(it.made.database)
      await it.second.beat()
      await eventually(async () => expect((await rowOf(it.made.database)).beat).toBeGreaterThanOrEqual(beat))
    }
    expect(it.second.lease()).toBeUndefined()
  })

  test('what is written for a duty, and its signs of life, go one after the other; one that fails keeps no other one', async () => {
    await using made = await open()
    const { database } = made
    let [now, most] = [0, 0]
    const keep: ManagerDatabase['keep'] = async (work) => {
      now += 1
      most = Math.max(most, now)
      return database.keep(work).finally(() => {
        now -= 1
      })
    }
    await using one = worker({ ...database, read: database.read, keep })
    await one.duty.start()
    await eventually(() => expect(one.lease()).toBeDefined())
    const lease = one.lease()!
    const failed = lease.keep(() => Promise.reject(new Error('at fault')))
    const written = Array.from({ length: 10 }, (_, i) => lease.keep(async () => i))
    await one.beat()
    await expect(failed).rejects.toThrow('at fault')
    await expect(Promise.all(written)).resolves.toEqual(Array.from({ length: 10 }, (_, i) => i))
    expect(most).toBe(1)
  })

  test('who is stopped while he takes a duty begins no work, and gives it back', async () => {
    await using made = await open()
    const [taken, goOn] = [deferred(), deferred()]
    // The lease is taken, and its taker does not know it yet.
    const keep: ManagerDatabase['keep'] = async (work) => {
      const done = await made.database.keep(work)
      taken.resolve()
      await goOn.promise
      return done
    }
    const { database } = made
    const parts = {
      database: { read: database.read, change: database.change.bind(database), keep },
      random: systemRandom(),
      logger: silentLogger(),
      metrics: silentMetrics(),
    }
    let begun = 0
    const duty = leases({ ...parts, clock: fakeClock() }, times).duty('jobs', async () => {
      begun += 1
    })
    await duty.start()
    await taken.promise
    const stopping = duty.stop()
    goOn.resolve()
    await stopping
    expect(begun).toBe(0)
    expect((await rowOf(made.database)).holder).toBe('')
  })

  test('the duty of a process of this machine that is gone is taken without a wait', async () => {
    await using made = await open()
    const { boot, namespace } = await ownPlace()
    const holder = `${boot}.${namespace}.4194305.1 gone`
    await made.database.keep((tx) =>
      tx.insertInto('leases').values({ name: 'jobs', holder, term: 7, beat: 3 }).execute(),
    )
    // Nobody would be succeeded for his silence.
    await using one = worker(made.database, { ...times, ttlMs: Number.POSITIVE_INFINITY })
    await one.duty.start()
    await beatsUntil(one, () => one.lease() !== undefined)
    expect(one.lease()?.term).toBe(8)
  })
})

async function ownPlace() {
  const [boot = '', namespace = ''] = (await ownIdentity()).split('.')
  return { boot, namespace }
}
