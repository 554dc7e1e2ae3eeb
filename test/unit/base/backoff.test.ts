import { describe, expect, test } from '@jest/globals'
import { appError, fakeClock, isAppError, retry, seededRandom } from '../../../lib/base/index.ts'

const policy = { baseMs: 100, maxMs: 1000, attempts: 3 }
const setUp = () => ({ clock: fakeClock(), random: seededRandom(1) })

const again = (err: unknown) => isAppError(err) && err.retryable && err.code !== 'ABORTED'

describe('retry', () => {
  test('gives the first success and counts the attempts from 0', async () => {
    const components = setUp()
    const seen: number[] = []
    const result = retry(
      components,
      policy,
      async (attempt) => {
        seen.push(attempt)
        if (attempt < 2) throw appError('UNAVAILABLE')
        return 'done'
      },
      { again },
    )
    await components.clock.advance(10_000)
    await expect(result).resolves.toBe('done')
    expect(seen).toEqual([0, 1, 2])
  })

  test('waits between attempts', async () => {
    const components = setUp()
    let calls = 0
    const result = retry(
      components,
      policy,
      async () => {
        calls += 1
        throw appError('UNAVAILABLE')
      },
      { again },
    )
    const failed = expect(result).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    await components.clock.advance(0)
    expect(calls).toBe(1)
    expect(components.clock.pending).toBe(1)
    await components.clock.advance(10_000)
    await failed
    expect(calls).toBe(3)
  })

  test.each([
    ['an error that is not retryable', () => appError('NOT_FOUND'), 'NOT_FOUND'],
    ['an abort, although a client may retry one', () => appError('ABORTED'), 'ABORTED'],
    ['an error that is not ours', () => Object.assign(new Error('disk'), { code: 'EIO' }), 'EIO'],
  ])('does not try again after %s', async (_, make, code) => {
    let calls = 0
    const result = retry(
      setUp(),
      policy,
      async () => {
        calls += 1
        throw make()
      },
      { again },
    )
    await expect(result).rejects.toMatchObject({ code })
    expect(calls).toBe(1)
  })

  test('gives up in the middle of a wait when the signal fires', async () => {
    const components = setUp()
    const controller = new AbortController()
    const result = retry(components, policy, () => Promise.reject(appError('UNAVAILABLE')), {
      again,
      signal: controller.signal,
    })
    await components.clock.advance(0)
    controller.abort()
    await expect(result).rejects.toMatchObject({ code: 'ABORTED' })
    expect(components.clock.pending).toBe(0)
  })

  test('asks after each failure whether there is to be another try, and waits only when there is', async () => {
    const components = setUp()
    const asked: number[] = []
    const work = () => Promise.reject(appError('UNAVAILABLE'))
    const ask = (answer: boolean) => (_err: unknown, attempt: number) => {
      asked.push(attempt)
      return answer
    }
    await expect(retry(components, policy, work, { again: ask(false) })).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    expect([asked, components.clock.pending]).toEqual([[0], 0])
    const result = retry(components, policy, work, { again: ask(true) })
    const failed = expect(result).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    await components.clock.advance(10_000)
    await failed
    expect(asked).toEqual([0, 0, 1, 2])
  })
})
