import { setImmediate } from 'node:timers/promises'
import { expect, test } from '@jest/globals'
import { type Deferred, deferred, inTurns, slots } from '../../../lib/base/index.ts'

/** Work that begins when it is told, and ends when the test says so. */
function works() {
  const begun: string[] = []
  const ends = new Map<string, Deferred<void>>()
  const work = (name: string) => () => {
    begun.push(name)
    const end = deferred()
    ends.set(name, end)
    return end.promise
  }
  return { begun, work, end: (name: string) => ends.get(name)?.resolve() }
}

test('so many run at once, the others in their order; one that fails makes room as well', async () => {
  const it = works()
  const two = slots(2)
  const runs = ['a', 'b', 'c', 'd'].map((name) => two.run(it.work(name)))
  await setImmediate()
  expect([it.begun, two.waiting]).toEqual([['a', 'b'], 2])
  it.end('b')
  await setImmediate()
  expect([it.begun, two.waiting]).toEqual([['a', 'b', 'c'], 1])
  const failing = expect(two.run(() => Promise.reject(new Error('failed')))).rejects.toThrow('failed')
  for (const name of ['a', 'c', 'd']) {
    it.end(name)
    await setImmediate()
  }
  await failing
  await Promise.all(runs)
  expect(await two.run(async () => 'again')).toBe('again')
})

test('who leaves while he waits takes no slot with him, also at the moment when his turn comes', async () => {
  const it = works()
  const one = slots(1)
  const first = one.run(it.work('a'))
  const [early, late] = [new AbortController(), new AbortController()]
  const leaving = [early, late].map(({ signal }, i) => one.run(it.work(`left ${i}`), { signal }))
  const last = one.run(it.work('b'))
  await setImmediate()
  early.abort()
  await expect(leaving[0]).rejects.toMatchObject({ code: 'ABORTED' })
  it.end('a')
  late.abort()
  await expect(leaving[1]).rejects.toMatchObject({ code: 'ABORTED' })
  await first
  await setImmediate()
  expect(it.begun).toEqual(['a', 'b'])
  it.end('b')
  await last
})

test('questions are asked some at a time, and answered in the order of the items', async () => {
  let [running, most] = [0, 0]
  const answers = await inTurns([3, 1, 2, 5, 4], 2, async (item) => {
    running += 1
    most = Math.max(most, running)
    for (let i = 0; i < item; i += 1) await setImmediate()
    running -= 1
    return item * 10
  })
  expect([answers, most]).toEqual([[30, 10, 20, 50, 40], 2])
})
