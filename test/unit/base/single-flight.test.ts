import { describe, expect, test } from '@jest/globals'
import { deferred, singleFlight } from '../../../lib/base/index.ts'

describe('singleFlight', () => {
  test('callers with one key share one piece of work', async () => {
    const flights = singleFlight<string, number>()
    const work = deferred<number>()
    let calls = 0
    const run = () =>
      flights.run('k', () => {
        calls += 1
        return work.promise
      })
    const all = [run(), run(), run()]
    work.resolve(5)
    await expect(Promise.all(all)).resolves.toEqual([5, 5, 5])
    expect([calls, flights.size]).toEqual([1, 0])
  })

  test('different keys do not share', async () => {
    const flights = singleFlight<string, string>()
    await expect(Promise.all([flights.run('a', async () => 'A'), flights.run('b', async () => 'B')])).resolves.toEqual([
      'A',
      'B',
    ])
  })

  test('a failure reaches every caller and the next call starts anew', async () => {
    const flights = singleFlight<string, number>()
    const failing = () => flights.run('k', () => Promise.reject(new Error('no')))
    const outcomes = await Promise.allSettled([failing(), failing()])
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    await expect(flights.run('k', async () => 1)).resolves.toBe(1)
  })

  test('the work goes on while one caller is left and is aborted with the last', async () => {
    const flights = singleFlight<string, number>()
    const [first, second] = [new AbortController(), new AbortController()]
    let signal: AbortSignal | undefined
    const work = (own: AbortSignal) => {
      signal = own
      return new Promise<number>(() => undefined)
    }
    const one = flights.run('k', work, first)
    const two = flights.run('k', work, second)
    first.abort()
    await expect(one).rejects.toMatchObject({ code: 'ABORTED' })
    expect(signal?.aborted).toBe(false)
    second.abort()
    await expect(two).rejects.toMatchObject({ code: 'ABORTED' })
    expect([signal?.aborted, flights.size]).toEqual([true, 0])
  })

  test('a caller who comes after the abort gets work of its own', async () => {
    const flights = singleFlight<string, number>()
    const controller = new AbortController()
    const abandoned = flights.run('k', () => new Promise<number>(() => undefined), controller)
    controller.abort()
    await expect(abandoned).rejects.toMatchObject({ code: 'ABORTED' })
    await expect(flights.run('k', async () => 2)).resolves.toBe(2)
  })
})
