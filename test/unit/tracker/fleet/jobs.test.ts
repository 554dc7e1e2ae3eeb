import { setImmediate } from 'node:timers/promises'
import { describe, expect, test } from '@jest/globals'
import { appError } from '../../../../lib/base/index.ts'
import { AWAY_MS, type FleetLab, fleetLab, type LabHost, told } from '../../../kit/fleet-lab.ts'

/** Hosts that have come once. */
async function comeTo(lab: FleetLab, count: number, zone = 'a'): Promise<readonly LabHost[]> {
  const hosts = Array.from({ length: count }, (_, i) => lab.host(`${zone}${i}`, { zone }))
  for (const host of hosts) await host.ask()
  return hosts
}

/** The order that a host is given, at the latest when it asks again: what an image consists of may have to be found. */
async function given(host: LabHost) {
  const { orders } = await host.ask()
  if (orders.length === 0) for (let i = 0; i < 20; i += 1) await setImmediate()
  const [order] = orders.length === 0 ? (await host.ask()).orders : orders
  if (order === undefined) throw new Error('no order')
  return order
}

describe('a job', () => {
  test('is for the hosts that listen, and no more of them than said work at the same time', async () => {
    const lab = await fleetLab({ atOnce: 2 })
    const hosts = await comeTo(lab, 3)
    const id = await lab.order()
    const [first, second] = [await given(hosts[0]!), await given(hosts[1]!)]
    expect((await hosts[2]!.ask()).orders).toEqual([])
    expect(lab.show(id).hosts).toMatchObject({ running: 2, waiting: 1 })
    await hosts[0]!.ask([told(first, 'done')])
    const third = await given(hosts[2]!)
    await hosts[1]!.ask([told(second, 'done')])
    await hosts[2]!.ask([told(third, 'done')])
    expect(lab.show(id)).toMatchObject({ state: 'done', hosts: { done: 3 }, holds: { whole: 3 } })
    expect(lab.changes).toEqual(['query running', 'query done'])
  })

  test('is given at once to a host whose question is being kept', async () => {
    const lab = await fleetLab()
    const [host] = await comeTo(lab, 1)
    const waiting = host!.ask([], 30_000)
    const id = await lab.order()
    expect((await waiting).orders).toMatchObject([{ job: id, attempt: 0, kind: 'query', items: [{ size: 100 }] }])
  })

  test('that nobody would be for is refused, and one for all while not all hosts have come', async () => {
    const lab = await fleetLab({ gatherMs: 10_000 })
    await comeTo(lab, 1)
    await expect(lab.order()).rejects.toMatchObject({ code: 'FLEET_GATHERING' })
    expect(lab.show(await lab.order({ all: undefined, hosts: ['node-7'] })).hosts.waiting).toBe(1)
    await lab.pass(10_000)
    await expect(lab.order({ all: undefined, zone: 'b' })).rejects.toMatchObject({ code: 'FLEET_EMPTY' })
  })

  test('is the same for the same key, and another content needs another key', async () => {
    const lab = await fleetLab()
    await comeTo(lab, 1)
    const [one, same] = await Promise.all([lab.order({ key: 'k' }), lab.order({ key: 'k' })])
    expect(same).toBe(one)
    await expect(lab.order({ key: 'k', target: 'team/other:1' })).rejects.toMatchObject({ code: 'JOB_KEY_TAKEN' })
    expect(lab.jobs.all().length).toBe(1)
  })

  test('tries again what may succeed later, and names the code of what may not', async () => {
    const lab = await fleetLab()
    const [host, other] = await comeTo(lab, 2)
    const id = await lab.order({ kind: 'pin' })
    await host!.ask([told(await given(host!), 'failed', { code: 'BLOB_UNKNOWN' })])
    let order = await given(other!)
    for (let tries = 1; tries < 5; tries += 1) {
      await other!.ask([told(order, 'failed', { code: 'STORE_FULL' })])
      expect((await other!.ask()).orders).toEqual([])
      await lab.pass(60_000)
      order = await given(other!)
      expect(order.attempt).toBe(tries)
    }
    await other!.ask([told(order, 'failed', { code: 'STORE_FULL' })])
    expect(lab.show(id)).toMatchObject({ state: 'failed', failures: { BLOB_UNKNOWN: 1, STORE_FULL: 1 } })
  })

  test('takes a code that it does not know for UNKNOWN, and no more progress than there is', async () => {
    const lab = await fleetLab()
    const [host] = await comeTo(lab, 1)
    const id = await lab.order()
    const huge = { blobs: 9e9, bytes: 9e15, doneBlobs: 9e9, partBlobs: 9e9, doneBytes: 9e15 }
    await host!.ask([told(await given(host!), 'failed', { code: 'x'.repeat(64), progress: huge })])
    expect(lab.show(id)).toMatchObject({
      failures: { UNKNOWN: 1 },
      progress: { blobs: 1, bytes: 100, doneBlobs: 1, partBlobs: 0, doneBytes: 100 },
    })
  })

  test('gives an order again that never reached its host', async () => {
    const lab = await fleetLab()
    const [host] = await comeTo(lab, 1)
    const id = await lab.order()
    await given(host!)
    expect((await host!.ask()).orders).toEqual([])
    expect(lab.rows(id)).toMatchObject([{ state: 'waiting', code: 'ORDER_LOST', attempts: 1 }])
    await lab.pass(10_000)
    expect((await given(host!)).attempt).toBe(1)
  })

  test('lets others work when a host is away, and names the host when its time is over', async () => {
    const lab = await fleetLab({ atOnce: 1 })
    const [dead, other] = await comeTo(lab, 2)
    const id = await lab.order({ limitSeconds: 100 })
    await given(dead!)
    expect((await other!.ask()).orders).toEqual([])
    await lab.pass(AWAY_MS / 2)
    await other!.ask()
    await lab.pass(AWAY_MS / 2)
    await other!.ask([told(await given(other!), 'done')])
    expect(lab.show(id)).toMatchObject({ state: 'running', hosts: { done: 1, waiting: 1 } })
    await lab.pass(100_000)
    expect(lab.show(id)).toMatchObject({ state: 'failed', hosts: { done: 1, failed: 1 }, failures: { HOST_AWAY: 1 } })
    expect(lab.rows(id).find(({ state }) => state === 'failed')).toMatchObject({ host: dead!.id, address: '10.0.0.1' })
  })

  test('takes a host back that comes again with its order, while there is room', async () => {
    const lab = await fleetLab({ atOnce: 1 })
    const [host, other] = await comeTo(lab, 2)
    const id = await lab.order({ limitSeconds: 1_000 })
    const order = await given(host!)
    await lab.pass(AWAY_MS)
    expect(await host!.ask([told(order, 'inHand')])).toMatchObject({ orders: [], cancel: [] })
    expect(lab.show(id).hosts).toMatchObject({ running: 1, waiting: 1 })
    await lab.pass(AWAY_MS)
    const second = await given(other!)
    expect((await host!.ask([told(order, 'inHand')])).cancel).toEqual([{ job: id, attempt: 0 }])
    await other!.ask([told(second, 'done')])
    expect(lab.show(id).hosts).toMatchObject({ done: 1, waiting: 1 })
  })

  test('that is cancelled tells the hosts that work, and gives nothing more', async () => {
    const lab = await fleetLab({ atOnce: 1 })
    const [host, other] = await comeTo(lab, 2)
    const id = await lab.order({ kind: 'preload' })
    const order = await given(host!)
    const working = host!.ask([told(order, 'inHand')], 30_000)
    await lab.settle()
    await lab.jobs.cancel(id)
    expect((await working).cancel).toEqual([{ job: id, attempt: 0 }])
    expect((await other!.ask()).orders).toEqual([])
    expect(lab.show(id)).toMatchObject({ state: 'cancelled', hosts: { cancelled: 2 } })
    await expect(lab.jobs.cancel(id)).rejects.toMatchObject({ code: 'JOB_OVER' })
    await lab.kill()
    expect(lab.show(id)).toMatchObject({ state: 'cancelled', hosts: { cancelled: 2 } })
  })

  test('goes on after a kill: what has ended is not given again, and what is in hand is gone on with', async () => {
    const lab = await fleetLab({ atOnce: 3 })
    const [done, working, finished, waiting] = await comeTo(lab, 4)
    const id = await lab.order()
    await done!.ask([told(await given(done!), 'done')])
    const [inHand, ended] = [await given(working!), await given(finished!)]
    await lab.kill()
    expect(lab.show(id)).toMatchObject({ state: 'running', hosts: { done: 1, running: 2, waiting: 1 } })
    expect(await done!.ask()).toMatchObject({ orders: [] })
    expect(await working!.ask([told(inHand, 'inHand')])).toMatchObject({ orders: [], cancel: [] })
    await finished!.ask([told(ended, 'done')])
    await waiting!.ask([told(await given(waiting!), 'done')])
    await working!.ask([told(inHand, 'done')])
    expect(lab.show(id)).toMatchObject({ state: 'done', hosts: { done: 4 } })
  })

  test('waits for who had an order when it was killed, and then lets others work', async () => {
    const lab = await fleetLab({ atOnce: 1 })
    const [host, other] = await comeTo(lab, 2)
    const id = await lab.order({ limitSeconds: 1_000 })
    await given(host!)
    await lab.kill()
    await expect(given(other!)).rejects.toThrow('no order')
    await lab.pass(61_000)
    expect(lab.rows(id).map(({ code }) => code)).toContain('HOST_AWAY')
    await given(other!)
  })

  test('looks for its content once for each platform, and fails where there is none', async () => {
    const asked: string[] = []
    const lab = await fleetLab({
      atOnce: 9,
      async walk(_job, platforms) {
        asked.push(platforms.join())
        if (platforms.includes('linux/riscv64')) throw appError('MANIFEST_UNKNOWN')
        return []
      },
    })
    const hosts = ['amd64', 'amd64', 'arm64', 'riscv64'].map((arch, i) =>
      lab.host(`${i}`, { platform: `linux/${arch}` }),
    )
    for (const host of hosts) await host.ask()
    const id = await lab.order()
    for (const host of hosts.slice(0, 3)) await given(host)
    await expect(given(hosts[3]!)).rejects.toThrow('no order')
    expect(asked.toSorted()).toEqual(['linux/amd64', 'linux/arm64', 'linux/riscv64'])
    expect(lab.show(id).failures).toEqual({ MANIFEST_UNKNOWN: 1 })
  })

  test('waits for the cluster when it cannot say what an image consists of', async () => {
    let away = true
    const lab = await fleetLab({
      async walk() {
        if (away) throw appError('NO_HEALTHY_MEMBER')
        return []
      },
    })
    const [host] = await comeTo(lab, 1)
    await lab.order()
    const waiting = host!.ask([], 30_000)
    await lab.pass(6_000)
    away = false
    await lab.pass(6_000)
    expect((await waiting).orders.length).toBe(1)
  })

  test('that has ended is forgotten after its time', async () => {
    const lab = await fleetLab({ keepMs: 50_000 })
    await comeTo(lab, 1)
    const id = await lab.order()
    await lab.jobs.cancel(id)
    await lab.pass(49_000)
    expect(lab.show(id).state).toBe('cancelled')
    await lab.pass(2_000)
    expect(() => lab.show(id)).toThrow(expect.objectContaining({ code: 'JOB_UNKNOWN' }))
    await lab.kill()
    expect(lab.jobs.all()).toEqual([])
  })
})

describe('a host', () => {
  test('is found by what was named: its label, its address, its ids, also when it comes later', async () => {
    const lab = await fleetLab({ atOnce: 9 })
    const early = lab.host('early', { labels: { host: 'node-1' } })
    await early.ask()
    const id = await lab.order({ all: undefined, hosts: ['node-1', 'node-2', early.id] })
    expect(lab.rows(id).map(({ host }) => host)).toEqual([early.id, 'node-2'])
    const late = lab.host('late', { labels: { host: 'node-2' }, address: '10.0.0.2', zone: 'z' })
    await given(late)
    expect(lab.rows(id)[1]).toMatchObject({ host: late.id, named: 'node-2', address: '10.0.0.2', zone: 'z' })
    expect((await lab.host('another', { labels: { host: 'node-2' } }).ask()).orders).toEqual([])
  })

  test('has few orders at a time, and fewer that fetch, so that questions go through', async () => {
    const lab = await fleetLab({ atOnce: 9 })
    const [host] = await comeTo(lab, 1)
    for (let i = 0; i < 4; i += 1) await lab.order({ kind: 'preload' })
    for (let i = 0; i < 9; i += 1) await lab.order({ kind: 'query' })
    await host!.ask()
    await lab.settle()
    const { orders } = await host!.ask()
    expect(orders.map(({ kind }) => kind).toSorted()).toEqual([...Array(8)].map(() => 'query'))
    const left = orders.slice(0, 4).map((order) => told(order, 'inHand'))
    const next = await host!.ask([...left, ...orders.slice(4).map((order) => told(order, 'done'))])
    expect(next.orders.map(({ kind }) => kind)).toEqual(['query', 'preload', 'preload'])
  })

  test('that asks again is answered there, and an old question changes nothing', async () => {
    const lab = await fleetLab()
    const [host] = await comeTo(lab, 1)
    const before = host!.ask([], 30_000)
    await lab.settle()
    const now = host!.ask([], 30_000)
    expect(await before).toMatchObject({ orders: [], againMs: expect.any(Number) })
    expect((await before).againMs).toBeGreaterThan(1_000)
    expect(lab.posts.kept).toBe(1)
    await lab.order()
    expect((await now).orders.length).toBe(1)
    expect(lab.posts.kept).toBe(0)
  })

  test('whose question finds no room is told to come again', async () => {
    const lab = await fleetLab({ maxKept: 1 })
    const [one, two] = await comeTo(lab, 2)
    const kept = one!.ask([], 30_000)
    await lab.settle()
    expect((await two!.ask([], 30_000)).againMs).toBeGreaterThan(1_000)
    one!.cut()
    expect(await kept).toMatchObject({ orders: [] })
  })

  test('beyond the most of them makes room: one of the address with most', async () => {
    const lab = await fleetLab({ maxPosts: 3 })
    const few = lab.host('few', { address: '10.0.0.9' })
    await few.ask()
    await comeTo(lab, 4)
    expect(lab.posts.size).toBe(3)
    expect(lab.posts.all().map(({ id }) => id)).toContain(few.id)
  })
})
