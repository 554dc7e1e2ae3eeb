import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { fakeClock, freshLooks } from '../../../lib/base/index.ts'

/** One thing that happens to a name: somebody asks, somebody pushes here or elsewhere, or removes it, or time passes. */
const event = fc.oneof(
  fc.record({ kind: fc.constant('ask' as const), name: fc.integer({ min: 0, max: 2 }) }),
  fc.record({
    kind: fc.constantFrom('push' as const, 'pushElsewhere' as const, 'remove' as const),
    name: fc.integer({ min: 0, max: 2 }),
  }),
  fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 120 }) }),
)

const PAUSE_MS = 100
const LOOK_MS = 30

test('in whatever order: each who asks is told something that was so after he asked, and looks stay few', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(event, { minLength: 1, maxLength: 60 }), async (events) => {
      const clock = fakeClock()
      const looks = freshLooks<number>(clock, { pauseMs: PAUSE_MS, maxNames: 10 })
      /** What each name was, from which moment on; a moment is a step, not a time. */
      const history = [0, 1, 2].map(() => [{ step: 0, value: undefined as number | undefined }])
      const begun: number[][] = [[], [], []]
      const underWay = [0, 0, 0]
      let step = 0
      const at = (name: number) => history[name]!.at(-1)!.value
      const set = (name: number, value: number | undefined) => history[name]!.push({ step, value })
      const possible = (name: number, from: number, to: number) => {
        const before = history[name]!.filter((change) => change.step <= from).at(-1)!
        return [before, ...history[name]!.filter((change) => from < change.step && change.step <= to)].map(
          (c) => c.value,
        )
      }
      const asked: Promise<void>[] = []
      const pushesSeen = [0, 0, 0]

      for (const one of events) {
        step += 1
        if (one.kind === 'wait') await clock.advance(one.ms)
        else if (one.kind === 'ask') {
          const { name } = one
          const from = step
          const answer = looks.look(String(name), async (signal) => {
            begun[name]!.push(clock.monotonicMs())
            underWay[name]! += 1
            expect(underWay[name]).toBe(1)
            await clock.sleep(LOOK_MS / 2, { signal })
            const found = at(name)
            await clock.sleep(LOOK_MS / 2, { signal })
            underWay[name]! -= 1
            return found
          })
          asked.push(answer.then((found) => expect(possible(name, from, step)).toContain(found)))
        } else {
          set(one.name, one.kind === 'remove' ? undefined : step)
          if (one.kind === 'push') {
            looks.came(String(one.name))
            pushesSeen[one.name]! += 1
          }
        }
      }
      step += 1
      await clock.advance(1000)
      await Promise.all(asked)
      expect(clock.pending).toBe(0)
      for (const [name, times] of begun.entries()) {
        const never = history[name]!.every(({ value }) => value === undefined)
        if (!never || pushesSeen[name]! > 0) continue
        for (let i = 1; i < times.length; i += 1) expect(times[i]! - times[i - 1]!).toBeGreaterThanOrEqual(PAUSE_MS)
      }
    }),
    { numRuns: 500 },
  )
})
