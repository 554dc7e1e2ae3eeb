import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { hasCode } from '../../../lib/base/index.ts'
import {
  afterAct,
  afterLook,
  newProgress,
  type Progress,
  rolloutActs,
  withStepBegun,
} from '../../../services/manager/settings/progress.ts'

const limits = { soakMs: 500, applyMs: 2000, maxRefused: 0, gonePerHundred: 10 }

const looks = fc.record({
  kind: fc.constant('look' as const),
  hosts: fc.integer({ min: 0, max: 5 }),
  behind: fc.constantFrom(0, 0, 0, 1),
  gone: fc.constantFrom(0, 0, 0, 1),
  refused: fc.constantFrom(0, 0, 0, 0, 0, 1),
  comparison: fc.constantFrom('good' as const, 'good' as const, 'good' as const, 'tooFew' as const, 'worse' as const),
  isWhole: fc.constantFrom(true, true, true, false),
  afterMs: fc.integer({ min: 0, max: 3000 }),
})
const acts = fc.record({ kind: fc.constant('act' as const), act: fc.constantFrom(...rolloutActs) })

const HALTED = ['halted', 'rollingBack', 'rolledBack']

test('whatever is seen and done, a roll-out skips no step, and goes on after a halt only when it is told to', () => {
  const events = fc.array(fc.oneof({ weight: 4, arbitrary: looks }, { weight: 1, arbitrary: acts }), { maxLength: 60 })
  fc.assert(
    fc.property(events, fc.integer({ min: 1, max: 5 }), fc.boolean(), (list, steps, rollBack) => {
      let [progress, nowMs]: [Progress, number] = [newProgress(steps, 0), 0]
      for (const event of list) {
        const before = progress
        if (event.kind === 'act') progress = tried(before, event.act, nowMs)
        else if (before.state === 'running' && !before.begun) progress = withStepBegun(before, nowMs)
        else {
          nowMs += event.afterMs
          progress = afterLook(before, event, { ...limits, rollBack }, { nowMs, lookingSinceMs: 0 })
          if (HALTED.includes(before.state)) expect(['rolledBack', before.state]).toContain(progress.state)
          if (progress.step > before.step || progress.state === 'done') expect(mayGoOn(before, event)).toBe(true)
          if (before.state === 'running' && (event.refused > 0 || event.comparison === 'worse'))
            expect(progress.state).toBe(rollBack ? 'rollingBack' : 'halted')
        }
        expect([before.step, before.step + 1]).toContain(progress.step)
        expect(progress.step).toBeLessThan(steps)
        if (progress.state === 'done' && before.state !== 'done') expect(before.step).toBe(steps - 1)
      }
    }),
  )
})

/** Only what runs, has soaked and has done well goes on. */
const mayGoOn = (
  { state, begun, isSettled }: Progress,
  { refused, comparison, behind }: { refused: number; comparison: string; behind: number },
) =>
  state === 'done' ||
  (state === 'running' && begun && isSettled && refused === 0 && comparison === 'good' && behind === 0)

function tried(progress: Progress, act: (typeof rolloutActs)[number], nowMs: number): Progress {
  try {
    return afterAct(progress, act, nowMs)
  } catch (err) {
    if (hasCode(err, 'ROLLOUT_STATE')) return progress
    throw err
  }
}
