import { setImmediate } from 'node:timers/promises'
import { expect, test } from '@jest/globals'
import type { Order } from '../../../../lib/api/index.ts'
import { appError, background, type Deferred, deferred, slots } from '../../../../lib/base/index.ts'
import { silentLogger } from '../../../../lib/telemetry/index.ts'
import { orderTable } from '../../../../services/agent/fleet/order-table.ts'

const order = (job: string, attempt = 0, kind: Order['kind'] = 'query'): Order => ({ job, attempt, kind, items: [] })

/** A table whose orders do what the test says. */
function table(atOnce = 9) {
  const works = new Map<string, Deferred<void>>()
  const begun: string[] = []
  let running = 0
  let most = 0
  const lanes = { preload: slots(1), quick: slots(atOnce) }
  const made = orderTable({
    async carryOut({ job, attempt }, { signal }) {
      const name = `${job}.${attempt}`
      begun.push(name)
      running += 1
      most = Math.max(most, running)
      const work = deferred()
      works.set(name, work)
      signal.addEventListener('abort', () => work.reject(appError('ABORTED')), { once: true })
      await work.promise.finally(() => {
        running -= 1
      })
    },
    ...{ lanes, logger: silentLogger(), tasks: background(() => undefined), onEnded: () => undefined },
  })
  const settle = async () => {
    for (let i = 0; i < 5; i += 1) await setImmediate()
  }
  return { table: made, works, begun, settle, most: () => most }
}

test('an order is told until the tracker has heard how it ended', async () => {
  const it = table()
  it.table.take([order('one'), order('two')])
  await it.settle()
  expect(it.table.report()).toMatchObject([
    { job: 'one', state: 'inHand' },
    { job: 'two', state: 'inHand' },
  ])
  it.works.get('one.0')!.resolve()
  it.works.get('two.0')!.reject(appError('STORE_FULL'))
  await it.settle()
  const told = it.table.report()
  expect(told).toMatchObject([
    { job: 'one', state: 'done' },
    { job: 'two', state: 'failed', code: 'STORE_FULL' },
  ])
  expect(it.table.busy).toBe(false)
  it.table.heard(told)
  expect(it.table.report()).toEqual([])
})

test('the same order is begun once, and another try of it when the one before has ended', async () => {
  const it = table()
  it.table.take([order('one'), order('one')])
  await it.settle()
  it.table.take([order('one', 0)])
  await it.settle()
  expect(it.begun).toEqual(['one.0'])
  it.table.take([order('one', 1)])
  await it.settle()
  expect(it.begun).toEqual(['one.0', 'one.1'])
  expect(it.most()).toBe(1)
  expect(it.table.report()).toMatchObject([{ job: 'one', attempt: 1, state: 'inHand' }])
})

test('what is cancelled stops, and is told no more; what waits for its turn never begins', async () => {
  const it = table()
  it.table.take([order('one', 0, 'preload'), order('two', 0, 'preload'), order('three', 0, 'preload')])
  await it.settle()
  expect(it.begun).toEqual(['one.0'])
  it.table.cancel([
    { job: 'two', attempt: 0 },
    { job: 'three', attempt: 7 },
  ])
  it.table.cancel([{ job: 'one', attempt: 0 }])
  await it.settle()
  expect(it.begun).toEqual(['one.0', 'three.0'])
  expect(it.table.report()).toMatchObject([{ job: 'three', state: 'inHand' }])
})

test('it takes no more orders than it may have', async () => {
  const it = table()
  it.table.take(Array.from({ length: 9 }, (_, i) => order(`job-${i}`)))
  await it.settle()
  expect(it.table.report().length).toBe(8)
})
