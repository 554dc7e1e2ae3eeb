import { describe, expect, test } from '@jest/globals'
import { deferred, fakeClock } from '../../../lib/base/index.ts'
import { attempts } from '../../../lib/identity/attempts.ts'

const wrong = () => Promise.resolve<true | undefined>(undefined)
const right = () => Promise.resolve(true)
const tooMany = expect.objectContaining({ code: 'TOOMANYREQUESTS' })

describe('tries', () => {
  test('of one address end when it has failed too often, and begin again', async () => {
    const clock = fakeClock()
    const tries = attempts(clock)
    for (let i = 0; i < 30; i += 1) expect(await tries.run<true>('a', wrong, undefined)).toBeUndefined()
    await expect(tries.run('a', right, undefined)).rejects.toEqual(tooMany)
    expect(await tries.run('b', right, undefined)).toBe(true)
    await clock.advance(2_000)
    expect(await tries.run<true>('a', wrong, undefined)).toBeUndefined()
    await expect(tries.run('a', right, undefined)).rejects.toEqual(tooMany)
  })

  test('that succeed cost nothing', async () => {
    const tries = attempts(fakeClock())
    for (let i = 0; i < 100; i += 1) expect(await tries.run('a', right, undefined)).toBe(true)
  })

  test('wait for their turn, so many and no more of one address, and so many of all', async () => {
    const tries = attempts(fakeClock())
    const first = deferred<boolean | undefined>()
    let running = 0
    const slow = async () => {
      running += 1
      await first.promise
      running -= 1
      return true
    }
    const four = Array.from({ length: 4 }, () => tries.run('a', slow, undefined))
    await expect(tries.run('a', slow, undefined)).rejects.toEqual(tooMany)
    const others = Array.from({ length: 29 }, (_, i) => tries.run(`other ${i}`, slow, undefined))
    await expect(tries.run('late', slow, undefined)).rejects.toEqual(tooMany)
    expect(running).toBe(1)
    first.resolve(true)
    expect(await Promise.all([...four, ...others])).toEqual(Array(33).fill(true))
    expect(await tries.run('late', right, undefined)).toBe(true)
  })

  test('that are given up leave their place', async () => {
    const tries = attempts(fakeClock())
    const first = deferred<true | undefined>()
    const held = tries.run('a', () => first.promise, undefined)
    const gone = new AbortController()
    const waiting = Array.from({ length: 3 }, () => tries.run('a', right, gone.signal))
    gone.abort()
    for (const each of waiting) await expect(each).rejects.toMatchObject({ code: 'ABORTED' })
    const next = tries.run('a', right, undefined)
    first.resolve(undefined)
    await held
    expect(await next).toBe(true)
  })
})
