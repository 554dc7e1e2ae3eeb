import { once } from 'node:events'
import { describe, expect, test } from '@jest/globals'
import {
  abortController,
  anySignal,
  collectGarbage,
  nextTurn,
  onAbort,
  WAITS_OF_LIFE,
} from '../../../lib/base/index.ts'

describe('onAbort', () => {
  test('calls all that wait, in the order in which they came, and each once', () => {
    const controller = abortController()
    const called: number[] = []
    for (const each of [1, 2, 3]) onAbort(controller.signal, () => called.push(each))
    expect(called).toEqual([])
    controller.abort()
    controller.abort()
    expect(called).toEqual([1, 2, 3])
  })

  test('calls at once when the signal has fired, and never when there is none', () => {
    const called: string[] = []
    onAbort(AbortSignal.abort(), () => called.push('fired'))
    onAbort(undefined, () => called.push('none'))()
    expect(called).toEqual(['fired'])
  })

  test('calls nobody who took it back, also while others are called', () => {
    const controller = abortController()
    const called: string[] = []
    const then = () => void called.push('twice')
    const takeBack = onAbort(controller.signal, then)
    onAbort(controller.signal, then)
    takeBack()
    const removals: (() => void)[] = []
    onAbort(controller.signal, () => {
      for (const each of removals) each()
    })
    removals.push(onAbort(controller.signal, () => called.push('taken back late')))
    controller.abort()
    expect(called).toEqual(['twice'])
  })

  test('a signal of one piece of work has a bound of waits that nobody takes back; one of a life has none', async () => {
    const warned = once(process, 'warning')
    const ofLife = abortController(WAITS_OF_LIFE).signal
    const ofWork = abortController(3).signal
    for (const signal of [ofLife, ofWork]) for (let at = 0; at < 5; at += 1) onAbort(signal, () => undefined)
    await expect(warned).resolves.toMatchObject([
      { name: 'MaxListenersExceededWarning', message: '4 waits on one signal' },
    ])
  })

  test('waits that were taken back do not count', async () => {
    const warnings: unknown[] = []
    const note = (warning: unknown) => void warnings.push(warning)
    process.on('warning', note)
    const { signal } = abortController(3)
    for (let at = 0; at < 5; at += 1) onAbort(signal, () => undefined)()
    await nextTurn()
    process.off('warning', note)
    expect(warnings).toEqual([])
  })

  test('a signal on which nobody waits any more has no listener, and gets one again', () => {
    const controller = abortController()
    const remove = controller.signal.removeEventListener.bind(controller.signal)
    let removed = 0
    controller.signal.removeEventListener = (...args: Parameters<typeof remove>) => {
      removed += 1
      remove(...args)
    }
    const called: string[] = []
    const [first, second] = ['first', 'second'].map((each) => onAbort(controller.signal, () => called.push(each)))
    first?.()
    expect(removed).toBe(0)
    second?.()
    second?.()
    expect(removed).toBe(1)
    onAbort(controller.signal, () => called.push('third'))
    controller.abort()
    expect(called).toEqual(['third'])
  })

  test('a signal that follows others is forgotten although somebody has waited on it', async () => {
    const life = abortController(WAITS_OF_LIFE)
    const followed = () => {
      const either = anySignal([life.signal])
      onAbort(either, () => undefined)()
      return new WeakRef(either)
    }
    const seen = followed()
    for (let rounds = 0; rounds < 50 && seen.deref() !== undefined; rounds += 1) {
      await nextTurn()
      collectGarbage()
    }
    expect(seen.deref()).toBeUndefined()
    expect(life.signal.aborted).toBe(false)
  })

  test('many waits on one signal are one listener of it', () => {
    const { signal } = abortController(WAITS_OF_LIFE)
    let listeners = 0
    const add = signal.addEventListener.bind(signal)
    signal.addEventListener = (...args: Parameters<typeof add>) => {
      listeners += 1
      add(...args)
    }
    const waits = Array.from({ length: 1_000 }, () => onAbort(signal, () => undefined))
    for (const takeBack of waits) takeBack()
    expect(listeners).toBe(1)
  })
})
