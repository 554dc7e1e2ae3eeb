import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import type { ControlEntry } from '../../../lib/api/index.ts'
import { controlWords, versionNow } from '../../../services/tracker/control/control-words.ts'

const said = fc.record({
  target: fc.constantFrom('10.0.0.1', '10.0.0.2', '10.0.0.3'),
  kind: fc.constantFrom('ban' as const, 'drain' as const),
  atMs: fc.integer({ min: 0, max: 5 }),
  by: fc.constantFrom('tracker-1', 'tracker-2', 'tracker-3'),
  isEnd: fc.boolean(),
})

/** One word for each version: a tracker says no two things at once. */
const words = fc
  .uniqueArray(said, { selector: ({ target, kind, atMs, by }) => `${target} ${kind} ${atMs} ${by}` })
  .map((all) =>
    all.map(({ target, kind, atMs, by, isEnd }): ControlEntry => {
      const mark = { target, reason: `${atMs} ${by}`, by, atMs }
      return { kind, target, version: { atMs, by }, ...(!isEnd && { mark }) }
    }),
  )

function heard(entries: readonly ControlEntry[]) {
  const known = controlWords()
  for (const entry of entries) for (const later of known.later([entry])) known.take(later)
  return known
}

test('trackers that have heard the same words in any order agree', () => {
  fc.assert(
    fc.property(
      words.chain((all) => fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length }))),
      ([all, shuffled]) => {
        const [one, other] = [heard(all), heard([...shuffled, ...shuffled])]
        expect([...one.behind('')]).toEqual([...other.behind('')])
        expect(one.hash).toBe(other.hash)
        for (const entry of all) {
          const rivals = all.filter(({ kind, target }) => kind === entry.kind && target === entry.target)
          const atMs = Math.max(...rivals.map(({ version }) => version.atMs))
          expect(one.of(entry.kind, entry.target)?.version.atMs).toBe(atMs)
        }
      },
    ),
  )
})

test('what is said now is later than what it replaces, whatever the clocks say', () => {
  fc.assert(
    fc.property(words, fc.integer({ min: 0, max: 5 }), (all, nowMs) => {
      const known = heard(all)
      for (const before of all) {
        const current = known.of(before.kind, before.target)
        const version = versionNow(nowMs, 'tracker-0', current)
        expect(known.later([{ kind: before.kind, target: before.target, version }])).toHaveLength(1)
      }
    }),
  )
})
