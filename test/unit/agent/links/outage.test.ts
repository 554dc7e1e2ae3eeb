import { describe, expect, test } from '@jest/globals'
import { appError, deferred, type ErrorCode, fakeClock } from '../../../../lib/base/index.ts'
import { parseRepository } from '../../../../lib/core/index.ts'
import { outage } from '../../../../services/agent/links/outage.ts'

const [ours, theirs] = [parseRepository('ours'), parseRepository('theirs')]
const fails = (code: ErrorCode) => () => Promise.reject(appError(code))
const earlier = async () => 'earlier'
const nothing = async () => undefined

describe('a question to the build-indexes', () => {
  test('is answered by them, also when they say that there is nothing', async () => {
    const out = outage(fakeClock())
    expect(await out.answer({ repository: ours, ask: async () => 'now', earlier })).toBe('now')
    expect(await out.answer({ repository: ours, ask: async () => undefined, earlier })).toBeUndefined()
  })

  test.each(['NO_HEALTHY_MEMBER', 'BACKEND_UNAVAILABLE', 'BACKEND_THROTTLED', 'UNAVAILABLE'] as const)(
    'that fails with %s is answered by what was proven earlier, or fails with it',
    async (code) => {
      const out = outage(fakeClock())
      expect(await out.answer({ repository: ours, ask: fails(code), earlier })).toBe('earlier')
      await expect(out.answer({ repository: ours, ask: fails(code), earlier: nothing })).rejects.toMatchObject({ code })
    },
  )

  test.each(['DENIED', 'BACKEND_DENIED', 'NAME_INVALID'] as const)(
    'that is answered by %s makes no outage of it',
    async (code) => {
      const out = outage(fakeClock())
      await expect(out.answer({ repository: ours, ask: fails(code), earlier })).rejects.toMatchObject({ code })
    },
  )

  test('that is refused for load is answered by what was proven earlier, and the next one is asked', async () => {
    const out = outage(fakeClock())
    const ask = fails('TOOMANYREQUESTS')
    expect(await out.answer({ repository: ours, ask, earlier })).toBe('earlier')
    expect(await out.answer({ repository: ours, ask: async () => 'now', earlier })).toBe('now')
    const again = out.answer({ repository: ours, ask, earlier: nothing })
    await expect(again).rejects.toMatchObject({ code: 'TOOMANYREQUESTS' })
  })

  test('that takes too long is answered by what was proven earlier; without that it waits', async () => {
    const clock = fakeClock()
    const out = outage(clock)
    const late = deferred<string>()
    let left: AbortSignal | undefined
    const ask = (signal: AbortSignal) => {
      left = signal
      return late.promise
    }
    const answers = [earlier, nothing].map((known) => out.answer<string>({ repository: ours, ask, earlier: known }))
    await clock.advance(1_999)
    expect(await Promise.race([answers[0], Promise.resolve('waits')])).toBe('waits')
    await clock.advance(1)
    expect(await answers[0]).toBe('earlier')
    late.resolve('now')
    expect(await answers[1]).toBe('now')
    expect(left?.aborted).toBe(true)
    expect(clock.pending).toBe(0)
  })

  test('is not asked again for a second after nobody answered, in that repository alone', async () => {
    const clock = fakeClock()
    const out = outage(clock)
    let asked = 0
    const ask = async () => {
      asked += 1
      return 'now'
    }
    await out.answer({ repository: ours, ask: fails('NO_HEALTHY_MEMBER'), earlier })
    expect(await out.answer({ repository: ours, ask, earlier })).toBe('earlier')
    expect(await out.answer({ repository: ours, ask, earlier: nothing })).toBe('now')
    expect(await out.answer({ repository: theirs, ask, earlier })).toBe('now')
    await clock.advance(1_000)
    expect(await out.answer({ repository: ours, ask, earlier })).toBe('now')
    expect(asked).toBe(3)
  })

  test('whose asker leaves fails for him, and is no outage', async () => {
    const out = outage(fakeClock())
    const leaving = new AbortController()
    const ask = (signal: AbortSignal) =>
      new Promise<string>((_, reject) => signal.addEventListener('abort', () => reject(appError('UNAVAILABLE'))))
    const left = out.answer({ repository: ours, ask, earlier }, { signal: leaving.signal })
    leaving.abort()
    await expect(left).rejects.toMatchObject({ code: 'ABORTED' })
    expect(await out.answer({ repository: ours, ask: async () => 'now', earlier })).toBe('now')
  })
})
