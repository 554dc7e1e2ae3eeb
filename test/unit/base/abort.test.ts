import { getMaxListeners } from 'node:events'
import { describe, expect, test } from '@jest/globals'
import { WAITS_OF_WORK } from '../../../lib/base/abort.ts'
import {
  abortable,
  abortController,
  anySignal,
  deadline,
  deferred,
  fakeClock,
  throwIfAborted,
} from '../../../lib/base/index.ts'

describe('throwIfAborted', () => {
  test('says nothing without a signal or before it fires', () => {
    throwIfAborted(undefined)
    throwIfAborted(new AbortController().signal)
  })

  test('throws ABORTED with the reason as cause', () => {
    expect(() => throwIfAborted(AbortSignal.abort('why'))).toThrow(
      expect.objectContaining({ code: 'ABORTED', cause: 'why' }),
    )
  })
})

describe('abortable', () => {
  test('gives the value of the promise', async () => {
    await expect(abortable(Promise.resolve(7), new AbortController().signal)).resolves.toBe(7)
    await expect(abortable(Promise.resolve(7), undefined)).resolves.toBe(7)
  })

  test('gives up when the signal fires although the promise goes on', async () => {
    const controller = new AbortController()
    const work = deferred()
    const waiting = abortable(work.promise, controller.signal)
    controller.abort()
    await expect(waiting).rejects.toMatchObject({ code: 'ABORTED' })
    work.resolve()
  })

  test('refuses a signal that has fired already', async () => {
    await expect(abortable(Promise.resolve(7), AbortSignal.abort())).rejects.toMatchObject({ code: 'ABORTED' })
  })

  test.each<[string, () => AbortSignal]>([
    ['before', () => AbortSignal.abort()],
    ['while one waits', () => AbortSignal.timeout(1)],
  ])('work that fails after a signal that fired %s is no unhandled rejection', async (_when, fired) => {
    let fail: (err: Error) => void = () => undefined
    const work = new Promise<never>((_, reject) => {
      fail = reject
    })
    await expect(abortable(work, fired())).rejects.toMatchObject({ code: 'ABORTED' })
    fail(new Error('nobody waits for this any more'))
    await new Promise((resolve) => setImmediate(resolve))
  })
})

describe('a signal on which many wait', () => {
  test.each<[string, AbortSignal]>([
    ['of a controller', abortController().signal],
    ['that follows others', anySignal([new AbortController().signal])],
    ['of a time limit', deadline(fakeClock(), 1).signal],
  ])('%s: has room for all waits of one piece of work, and not for a leak', (_what, signal) => {
    expect(getMaxListeners(signal)).toBe(WAITS_OF_WORK)
  })
})

describe('deadline', () => {
  test('does not blame others for a standstill of this process', async () => {
    const clock = fakeClock()
    const limit = deadline(clock, 100)
    clock.stall(60_000)
    await clock.advance(0)
    await clock.advance(74)
    expect(limit.signal.aborted).toBe(false)
    await clock.advance(1)
    expect(limit.expired).toBe(true)
  })

  test('lets what came during a standstill be read before it ends', async () => {
    const clock = fakeClock()
    const limit = deadline(clock, 100)
    await clock.advance(99)
    clock.stall(60_000)
    await clock.advance(0)
    expect(limit.signal.aborted).toBe(false)
    await clock.advance(20)
    expect(limit.expired).toBe(true)
  })

  test('expires after its time and says that time was the reason', async () => {
    const clock = fakeClock()
    const limit = deadline(clock, 100)
    await clock.advance(99)
    expect(limit.signal.aborted).toBe(false)
    await clock.advance(1)
    expect(limit).toMatchObject({ expired: true, signal: { aborted: true, reason: { code: 'REQUEST_TIMEOUT' } } })
  })

  test('starts again with every touch', async () => {
    const clock = fakeClock()
    const limit = deadline(clock, 100)
    await clock.advance(90)
    limit.touch()
    await clock.advance(90)
    expect(limit.signal.aborted).toBe(false)
    await clock.advance(10)
    expect(limit.expired).toBe(true)
  })

  test('follows the outer signal without calling it a timeout', () => {
    const outer = new AbortController()
    const limit = deadline(fakeClock(), 100, outer.signal)
    outer.abort('stop')
    expect(limit).toMatchObject({ expired: false, signal: { aborted: true, reason: 'stop' } })
    expect(deadline(fakeClock(), 100, outer.signal).signal.aborted).toBe(true)
  })

  test('leaves no timer behind once released', () => {
    const clock = fakeClock()
    const limit = deadline(clock, 100)
    limit.touch()
    expect(clock.pending).toBe(1)
    limit.release()
    expect(clock.pending).toBe(0)
  })
})
