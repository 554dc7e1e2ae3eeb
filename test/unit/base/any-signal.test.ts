import { describe, expect, test } from '@jest/globals'
import {
  abortController,
  anySignal,
  collectGarbage,
  nextTurn,
  onAbort,
  WAITS_OF_LIFE,
} from '../../../lib/base/index.ts'

/** Collects garbage until `isOver`: what was used in this turn is kept until the next one, and V8 tells of its loss later. */
async function collectUntil(isOver: () => boolean): Promise<void> {
  for (let rounds = 0; rounds < 50 && !isOver(); rounds += 1) {
    await nextTurn()
    collectGarbage()
  }
  expect(isOver()).toBe(true)
}

/** A signal that nobody has. In a function of its own: what is not over keeps what it has made. */
function unheld(source: AbortSignal): WeakRef<AbortSignal> {
  return new WeakRef(anySignal([source]))
}

/** How many listeners a signal has. */
function listenersOf(signal: AbortSignal): () => number {
  const listeners = new Set<unknown>()
  const add = signal.addEventListener.bind(signal)
  const remove = signal.removeEventListener.bind(signal)
  signal.addEventListener = (...args: Parameters<typeof add>) => {
    listeners.add(args[1])
    add(...args)
  }
  signal.removeEventListener = (...args: Parameters<typeof remove>) => {
    listeners.delete(args[1])
    remove(...args)
  }
  return () => listeners.size
}

describe('anySignal', () => {
  test('fires when the first of its signals does, with the reason of that one, and once', () => {
    const [one, other] = [abortController(), abortController()]
    const either = anySignal([one.signal, other.signal])
    const reasons: unknown[] = []
    onAbort(either, () => reasons.push(either.reason))
    expect(either.aborted).toBe(false)
    other.abort('second')
    one.abort('first')
    expect(either).toMatchObject({ aborted: true, reason: 'second' })
    expect(reasons).toEqual(['second'])
  })

  test('has fired when one of its signals has, and never fires without one', () => {
    expect(anySignal([abortController().signal, AbortSignal.abort('why')])).toMatchObject({
      aborted: true,
      reason: 'why',
    })
    expect(anySignal([]).aborted).toBe(false)
  })

  test('of such signals is one, too', () => {
    const source = abortController()
    const either = anySignal([anySignal([source.signal]), abortController().signal])
    source.abort('why')
    expect(either).toMatchObject({ aborted: true, reason: 'why' })
  })

  test('waits on no other signal when one has fired', () => {
    const [one, other] = [abortController(), abortController()]
    const listeners = listenersOf(one.signal)
    const either = anySignal([one.signal, other.signal])
    expect(listeners()).toBe(1)
    other.abort()
    expect(either.aborted).toBe(true)
    expect(listeners()).toBe(0)
  })

  test('fires for those who wait on it although nobody else has it', async () => {
    const source = abortController()
    let called = 0
    onAbort(anySignal([source.signal]), () => (called += 1))
    const gone = unheld(source.signal)
    await collectUntil(() => gone.deref() === undefined)
    source.abort()
    expect(called).toBe(1)
  })

  test('leaves nothing at a signal that outlives it', async () => {
    const life = abortController(WAITS_OF_LIFE).signal
    const listeners = listenersOf(life)
    for (let at = 0; at < 100; at += 1) onAbort(anySignal([life, abortController().signal]), () => undefined)()
    expect(listeners()).toBe(1)
    await collectUntil(() => listeners() === 0)
  })

  test('is no wait that somebody forgot to take back', async () => {
    const { signal } = abortController(1)
    const warnings: unknown[] = []
    const note = (warning: unknown) => void warnings.push(warning)
    process.on('warning', note)
    for (let at = 0; at < 5; at += 1) anySignal([signal])
    onAbort(signal, () => undefined)
    await nextTurn()
    process.off('warning', note)
    expect(warnings).toEqual([])
  })
})
