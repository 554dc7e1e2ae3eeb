import { describe, expect, test } from '@jest/globals'
import { deferred, fakeClock, freshLooks } from '../../../lib/base/index.ts'

const settled = () => new Promise<void>((resolve) => setImmediate(resolve))

function made() {
  const clock = fakeClock()
  const looks = freshLooks<string>(clock, { pauseMs: 250, maxNames: 10 })
  let content: string | undefined
  let count = 0
  const ask = (name = 'v1', options = {}) =>
    looks.look(
      name,
      async () => {
        count += 1
        return content
      },
      options,
    )
  const put = (text: string) => {
    content = text
  }
  return { clock, looks, ask, put, count: () => count }
}

describe('looks for one name', () => {
  test('are shared by those who ask before they begin, never by those who ask later', async () => {
    const looks = freshLooks<string>(fakeClock(), { pauseMs: 250, maxNames: 10 })
    const gates = [deferred<string | undefined>(), deferred<string | undefined>()]
    let begun = 0
    const ask = () =>
      looks.look('v1', () => {
        begun += 1
        return gates[begun - 1]!.promise
      })
    const early = [ask(), ask()]
    await settled()
    const late = [ask(), ask()]
    await settled()
    expect(begun).toBe(1)
    gates[0]!.resolve('old')
    expect(await Promise.all(early)).toEqual(['old', 'old'])
    gates[1]!.resolve('new')
    expect(await Promise.all(late)).toEqual(['new', 'new'])
    expect(begun).toBe(2)
  })

  test.each([undefined, 'found'])('are not aborted once they are over: %s', async (found) => {
    let seen: AbortSignal | undefined
    const look = async (signal: AbortSignal) => {
      seen = signal
      return found
    }
    expect(await made().looks.look('v1', look)).toBe(found)
    await settled()
    expect(seen?.aborted).toBe(false)
  })

  test('that find nothing begin no sooner than the pause apart, and tell what has come meanwhile', async () => {
    const { clock, ask, put, count } = made()
    expect(await ask()).toBeUndefined()
    const asked = [ask(), ask()]
    await clock.advance(249)
    expect(count()).toBe(1)
    put('pushed through another')
    await clock.advance(1)
    expect(await Promise.all(asked)).toEqual(Array(2).fill('pushed through another'))
    expect(await Promise.all([ask('v2'), ask('v2')])).toEqual(Array(2).fill('pushed through another'))
    expect(count()).toBe(3)
    expect(clock.pending).toBe(0)
  })

  test('do not wait when something has come, whether it came before, in the pause, or in a look', async () => {
    const { clock, looks, ask, put } = made()
    await ask()
    put('a')
    looks.came('v1')
    expect(await ask()).toBe('a')
    await ask('v2').then(() => expect(clock.pending).toBe(0))

    const other = freshLooks<string>(clock, { pauseMs: 250, maxNames: 10 })
    expect(await other.look('n', async () => undefined)).toBeUndefined()
    const waiting = other.look('n', async () => 'b')
    await settled()
    expect(clock.pending).toBe(1)
    other.came('n')
    expect(await waiting).toBe('b')

    const gate = deferred<undefined>()
    const old = other.look('m', () => gate.promise)
    await settled()
    other.came('m')
    gate.resolve(undefined)
    expect(await old).toBeUndefined()
    expect(await other.look('m', async () => 'c')).toBe('c')
    expect(clock.pending).toBe(0)
  })

  test('that fail are told to all who share them, and the next begins at once', async () => {
    const looks = freshLooks<string>(fakeClock(), { pauseMs: 250, maxNames: 10 })
    const failing = () => looks.look('v1', () => Promise.reject(new Error('no')))
    const outcomes = await Promise.allSettled([failing(), failing()])
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    expect(await looks.look('v1', async () => 'there')).toBe('there')
  })

  test('are aborted when nobody waits for them any more; those that wait for one begin then', async () => {
    const { clock, looks, ask } = made()
    const [one, two, three] = [new AbortController(), new AbortController(), new AbortController()]
    let work: AbortSignal | undefined
    const hanging = (options: AbortController) =>
      looks.look(
        'v1',
        (signal) => {
          work = signal
          return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)))
        },
        options,
      )
    const [first, second] = [hanging(one), hanging(two)]
    await settled()
    const behind = ask('v1', three)
    const next = ask()
    three.abort()
    await expect(behind).rejects.toMatchObject({ code: 'ABORTED' })
    one.abort()
    await expect(first).rejects.toMatchObject({ code: 'ABORTED' })
    expect(work?.aborted).toBe(false)
    two.abort()
    await expect(second).rejects.toMatchObject({ code: 'ABORTED' })
    expect(work?.aborted).toBe(true)
    expect(await next).toBeUndefined()

    const left = ask('v1', one)
    await expect(left).rejects.toMatchObject({ code: 'ABORTED' })
    const four = new AbortController()
    const paused = ask('v1', four)
    await settled()
    expect(clock.pending).toBe(1)
    four.abort()
    await expect(paused).rejects.toMatchObject({ code: 'ABORTED' })
    await settled()
    expect(clock.pending).toBe(0)
  })
})
