import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { type Alarm, fakeClock, wheel } from '../../../lib/base/index.ts'

const ALARMS = 12

type Step =
  | { readonly kind: 'at' | 'by'; readonly alarm: number; readonly inMs: number }
  | { readonly kind: 'cancel'; readonly alarm: number }
  | { readonly kind: 'pass'; readonly ms: number }

const alarm = fc.nat({ max: ALARMS - 1 })
const steps = fc.array(
  fc.oneof(
    fc.record({
      kind: fc.constantFrom('at' as const, 'by' as const),
      alarm,
      inMs: fc.integer({ min: -50, max: 2_000 }),
    }),
    fc.record({ kind: fc.constant('cancel' as const), alarm }),
    fc.record({ kind: fc.constant('pass' as const), ms: fc.nat({ max: 700 }) }),
  ),
  { maxLength: 60 },
)

/** The same as the wheel, in the simplest way: a list of due times that is searched anew each time. */
class NaiveList {
  readonly #due: number[] = Array.from({ length: ALARMS }, () => Number.POSITIVE_INFINITY)
  readonly rung: string[] = []
  nowMs = 0

  apply(step: Step): void {
    if (step.kind === 'pass') this.#pass(step.ms)
    else if (step.kind === 'cancel') this.#due[step.alarm] = Number.POSITIVE_INFINITY
    else if (step.kind === 'at') this.#due[step.alarm] = this.nowMs + step.inMs
    else this.#due[step.alarm] = Math.min(this.#due[step.alarm]!, this.nowMs + step.inMs)
  }

  #pass(ms: number): void {
    const endMs = this.nowMs + ms
    for (;;) {
      const dueMs = Math.min(...this.#due)
      if (dueMs > endMs) break
      const at = this.#due.indexOf(dueMs)
      this.#due[at] = Number.POSITIVE_INFINITY
      this.rung.push(`${at} at ${Math.max(this.nowMs, dueMs)}`)
      this.nowMs = Math.max(this.nowMs, dueMs)
    }
    this.nowMs = endMs
  }
}

/** Those of one moment may ring in any order. */
const inOrder = (rung: readonly string[]) => {
  const time = (each: string) => Number(each.split(' at ')[1])
  return [...rung].sort((a, b) => time(a) - time(b) || (a < b ? -1 : 1))
}

async function compare(all: readonly Step[]): Promise<void> {
  const clock = fakeClock()
  const it = wheel(clock)
  const naive = new NaiveList()
  const rung: string[] = []
  const alarms: Alarm[] = Array.from({ length: ALARMS }, (_, name) =>
    it.alarm((nowMs) => void rung.push(`${name} at ${nowMs}`)),
  )
  for (const step of all) {
    naive.apply(step)
    if (step.kind === 'pass') await clock.advance(step.ms)
    else if (step.kind === 'cancel') alarms[step.alarm]?.cancel()
    else alarms[step.alarm]?.[step.kind](it.nowMs + step.inMs)
  }
  const times = rung.map((each) => Number(each.split(' at ')[1]))
  expect(times).toEqual([...times].sort((a, b) => a - b))
  expect(inOrder(rung)).toEqual(inOrder(naive.rung))
  it.stop()
  expect(clock.pending).toBe(0)
}

test('a wheel rings what a list that is searched each time would, and when', async () => {
  await fc.assert(fc.asyncProperty(steps, compare))
})
