import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { countCache, fakeClock } from '../../../lib/base/index.ts'

/** Among them names that every object has, and numbers, which an object puts first. */
const keys = ['__proto__', 'constructor', '', '0', '-1', 'a']
const key = fc.constantFrom(...keys)
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('set' as const), key, value: fc.option(fc.nat()) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('delete' as const), key }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 60 }) }) },
)

test('holds what a list of the youngest entries holds, whatever the keys', async () => {
  const steps = fc.array(step, { maxLength: 40 })
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 4 }), steps, async (maxEntries, doing) => {
      const clock = fakeClock()
      const cache = countCache<number | null>(clock, { maxEntries, ttlMs: 100 })
      let model: { key: string; value: number | null; setMs: number }[] = []
      for (const it of doing) {
        if (it.kind === 'wait') await clock.advance(it.ms)
        else model = model.filter((one) => one.key !== it.key)
        if (it.kind === 'delete') cache.delete(it.key)
        if (it.kind === 'set') {
          cache.set(it.key, it.value)
          model = [...model, { ...it, setMs: clock.monotonicMs() }].slice(-maxEntries)
        }
      }
      const young = model.filter(({ setMs }) => clock.monotonicMs() - setMs < 100)
      expect(keys.map((name) => cache.get(name))).toEqual(
        keys.map((name) => young.find((one) => one.key === name)?.value),
      )
    }),
    { seed: 71 },
  )
})
