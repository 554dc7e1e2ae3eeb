import { expect, test } from '@jest/globals'
import { type KeptJob, keptRowSchema, type OrderAnswer, type OrderItem } from '../../../../lib/api/index.ts'
import { background, deferred, fakeClock } from '../../../../lib/base/index.ts'
import { recordingLogger } from '../../../../lib/telemetry/index.ts'
import { jobContent } from '../../../../services/tracker/fleet/job-content.ts'
import { AWAY_MS, fleetLab, told, wantedBlob } from '../../../kit/fleet-lab.ts'

const items: readonly OrderItem[] = [{ digest: wantedBlob, size: 100 }]

/** The order that a host is given. */
async function given(lab: Awaited<ReturnType<typeof fleetLab>>, host: ReturnType<typeof lab.host>) {
  await host.ask()
  await lab.settle()
  const [order] = (await host.ask()).orders
  if (order === undefined) throw new Error('no order')
  return order
}

test('a burst of jobs passes no limit, and the tracker starts again with all that it took', async () => {
  const lab = await fleetLab()
  await lab.host('a').ask()
  const burst = Array.from({ length: 300 }, (_, i) => lab.order({ kind: 'delete', target: `team/app:${i}` }))
  const refused = (await Promise.allSettled(burst)).filter(({ status }) => status === 'rejected')
  expect(refused.length).toBe(44)
  expect(refused[0]).toMatchObject({ reason: { code: 'JOBS_FULL' } })
  await lab.kill()
  expect(lab.jobs.open().length).toBe(256)
  await lab.jobs.cancel(lab.jobs.open()[0]!.job.id)
  await lab.settle()
  await lab.host('a').ask()
  await lab.order()
})

test('a job whose task finds no place is not kept either', async () => {
  const lab = await fleetLab()
  await lab.host('a').ask()
  lab.breaks.journal = true
  await expect(lab.order()).rejects.toMatchObject({ code: 'JOURNAL_UNAVAILABLE' })
  expect(lab.jobs.all()).toEqual([])
  lab.breaks.journal = false
  await lab.kill()
  expect(lab.jobs.all()).toEqual([])
})

test('a refused job that cannot be removed is removed when the disk works again', async () => {
  const lab = await fleetLab()
  await lab.host('a').ask()
  lab.breaks.journal = true
  lab.breaks.removals = true
  await expect(lab.order()).rejects.toMatchObject({ code: 'JOURNAL_UNAVAILABLE' })
  await lab.pass(2_000)
  lab.breaks.removals = false
  await lab.pass(1_000)
  lab.breaks.journal = false
  await lab.kill()
  expect(lab.jobs.all()).toEqual([])
})

test('more jobs than have room after a restart: what does not fit is cancelled, and the tracker starts', async () => {
  const lab = await fleetLab()
  await lab.host('a').ask()
  for (let i = 0; i < 256; i += 1) await lab.order({ kind: 'delete', target: `team/app:${i}` })
  const [one] = lab.jobs.open()
  await lab.write({ ...one!.job, id: 'zzzzzzzzz-1' })
  await lab.kill()
  expect(lab.jobs.open().length).toBe(256)
  expect(lab.show('zzzzzzzzz-1').state).toBe('cancelled')
})

test('a row that cannot be read leaves the others their places', async () => {
  const lab = await fleetLab({ atOnce: 9 })
  const hosts = [lab.host('a'), lab.host('b')]
  for (const host of hosts) await host.ask()
  const id = await lab.order()
  const [, second] = lab.rows(id)
  await lab.spoil(`row/${id}/0`)
  await lab.kill()
  expect(lab.jobs.get(id).rows.map(({ n }) => n)).toEqual([1])
  const host = hosts.find(({ id: each }) => each === second!.host)!
  await host.ask([told(await given(lab, host), 'done')])
  expect(keptRowSchema.parse(await lab.read(`row/${id}/1`))).toMatchObject({ host: host.id, state: 'done' })
  expect(lab.show(id).state).toBe('done')
})

test('a host that was told to come later is not away before, and one that works comes soon', async () => {
  const lab = await fleetLab({ maxKept: 0, atOnce: 1 })
  const [quiet, busy] = [lab.host('quiet'), lab.host('busy')]
  const { againMs } = await quiet.ask([], 25_000)
  expect(againMs).toBeGreaterThanOrEqual(15_000)
  await lab.pass(againMs + AWAY_MS - 2_000)
  expect(lab.posts.all().length).toBe(1)
  await lab.pass(3_000)
  expect(lab.posts.all().length).toBe(0)
  await busy.ask()
  const id = await lab.order({ kind: 'preload', limitSeconds: 1_000 })
  const order = await given(lab, busy)
  expect((await busy.ask([told(order, 'inHand')], 2_000)).againMs).toBeLessThanOrEqual(4_000)
  await lab.pass(21_000)
  expect(lab.show(id).hosts.running).toBe(1)
  await lab.pass(5_000)
  expect(lab.rows(id)).toMatchObject([{ state: 'waiting', code: 'HOST_AWAY' }])
})

test('a host that had to make room is away for its job', async () => {
  const lab = await fleetLab({ maxPosts: 2, atOnce: 1 })
  const host = lab.host('a')
  await host.ask()
  const id = await lab.order({ limitSeconds: 1_000 })
  await given(lab, host)
  await lab.host('b').ask()
  await lab.host('c').ask()
  await lab.pass(1_000)
  expect(lab.rows(id)).toMatchObject([{ state: 'waiting', code: 'HOST_AWAY' }])
})

test('what a host says of its platform begins no further look', async () => {
  const asked: string[] = []
  const never = deferred<readonly OrderItem[]>()
  const lab = await fleetLab({
    walk(_, platforms) {
      asked.push(platforms.join())
      return platforms[0] === 'linux/amd64' ? Promise.resolve(items) : never.promise
    },
  })
  const host = lab.host('a')
  await host.ask()
  await lab.order({ kind: 'preload' })
  const said = told(await given(lab, host), 'inHand')
  for (let i = 0; i < 40; i += 1) await lab.host('a', { platform: `linux/odd${i}`, turn: 10 + i }).ask([said])
  expect(asked).toEqual(['linux/amd64'])
})

test('a job that has ended looks for nothing any more', async () => {
  const signals: AbortSignal[] = []
  const walk = (_job: unknown, _platforms: unknown, signal: AbortSignal) => {
    signals.push(signal)
    return deferred<readonly OrderItem[]>().promise
  }
  const tasks = background(() => undefined)
  const components = { clock: fakeClock(), logger: recordingLogger(), tasks, onSettled: () => undefined, walk }
  const content = jobContent(components, { manifest: { mediaType: 'a/b', size: 1 } } as KeptJob)
  expect(content.of('linux/amd64').state).toBe('pending')
  content.drop()
  expect(signals.map(({ aborted }) => aborted)).toEqual([true])
  content.of('linux/arm64')
  expect([signals.length, content.known('linux/amd64')]).toEqual([1, undefined])
})

test('few platforms are looked for at a time, and none of them twice', async () => {
  const asked: string[] = []
  const never = deferred<readonly OrderItem[]>()
  const lab = await fleetLab({
    atOnce: 99,
    walk(_, platforms) {
      asked.push(platforms.join())
      return never.promise
    },
  })
  const hosts = Array.from({ length: 40 }, (_, i) => lab.host(`${i}`, { platform: `linux/p${i}` }))
  for (const host of hosts) await host.ask()
  await lab.order({ kind: 'preload' })
  for (const host of [...hosts, ...hosts]) await host.ask()
  expect([asked.length, new Set(asked).size]).toEqual([16, 16])
})

test.each(['at once', 'later'])('a host that is given an order %s hears of it when it is kept', async (when) => {
  const walked = deferred<readonly OrderItem[]>()
  const lab = await fleetLab({ atOnce: 1, walk: () => walked.promise })
  const [host, other] = [lab.host('a'), lab.host('b')]
  for (const each of [host, other]) await each.ask()
  const id = await lab.order()
  const heard: OrderAnswer[] = []
  const ask = async () => heard.push(await host.ask([], 30_000))
  const early = when === 'later' ? ask() : host.ask()
  await lab.settle()
  const hold = deferred()
  lab.breaks.hold = hold.promise
  walked.resolve(items)
  await lab.settle()
  const asked = when === 'later' ? early : ask()
  await lab.settle()
  expect([lab.show(id).hosts.running, heard]).toEqual([1, []])
  hold.resolve()
  await asked
  const inHand = heard.flatMap(({ orders }) => orders).map((order) => told(order, 'inHand'))
  expect(inHand.length).toBe(1)
  await lab.kill()
  await expect(given(lab, other)).rejects.toThrow('no order')
  expect(await host.ask(inHand)).toMatchObject({ orders: [], cancel: [] })
})

test('an order is given also when it cannot be kept who has it', async () => {
  const lab = await fleetLab()
  const host = lab.host('a')
  await host.ask()
  const id = await lab.order()
  lab.breaks.records = true
  const order = await given(lab, host)
  lab.breaks.records = false
  await host.ask([told(order, 'done')])
  expect(lab.show(id)).toMatchObject({ state: 'done', hosts: { done: 1 } })
})

test('an end that could not be kept is not acknowledged before it is kept', async () => {
  const lab = await fleetLab()
  const host = lab.host('a')
  await host.ask()
  const id = await lab.order()
  const done = told(await given(lab, host), 'done')
  lab.breaks.records = true
  await expect(host.ask([done])).rejects.toMatchObject({ code: 'JOURNAL_UNAVAILABLE' })
  await expect(host.ask([done])).rejects.toMatchObject({ code: 'JOURNAL_UNAVAILABLE' })
  lab.breaks.records = false
  await host.ask([done])
  await lab.kill()
  expect(lab.show(id)).toMatchObject({ state: 'done', hosts: { done: 1 } })
})
