import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import type { ControlEntry } from '../../../lib/api/index.ts'
import { fakeClock } from '../../../lib/base/index.ts'
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
  const known = controlWords(fakeClock())
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

const ending = fc.uniqueArray(
  fc.record({
    number: fc.integer({ min: 0, max: 50_000 }),
    atMs: fc.integer({ min: 0, max: 50 }),
    lastsMs: fc.option(fc.integer({ min: 1, max: 100 }), { nil: undefined }),
  }),
  { selector: ({ number }) => number, minLength: 40, maxLength: 60, size: 'max' },
)

test('what has ended by itself is forgotten like what was taken back, the same at every tracker, whenever it looks', async () => {
  const startMs = 1_000
  const takenBack = Array.from(
    { length: 9_990 },
    (_, i): ControlEntry => ({ kind: 'drain', target: `${i}`, version: { atMs: startMs + 60, by: 'b' } }),
  )
  await fc.assert(
    fc.asyncProperty(ending, fc.integer({ min: 0, max: 200 }), async (all, passMs) => {
      const entries = all.map(({ number, atMs, lastsMs }): ControlEntry => {
        const mark = { target: `${number}`, reason: '', by: 'a', atMs, untilMs: lastsMs && startMs + lastsMs }
        return { kind: 'ban', target: mark.target, version: { atMs, by: 'b' }, mark }
      })
      const clock = fakeClock(startMs)
      const [one, other] = [controlWords(clock), controlWords(clock)]
      for (const entry of [...takenBack, ...entries]) one.take(entry)
      expect(one.size).toBe(takenBack.length + entries.length)
      await clock.advance(passMs)
      for (const entry of [...entries.toReversed(), ...takenBack]) other.take(entry)
      expect(one.hash).toBe(other.hash)
      const held = all.filter(({ lastsMs }) => lastsMs === undefined || lastsMs > passMs)
      expect(one.size).toBe(held.length + Math.min(10_000, takenBack.length + all.length - held.length))
      for (const { number } of held) expect(one.of('ban', `${number}`)).toBeDefined()
      const ends = [
        ...takenBack.map(({ target, version }) => ({ name: `drain ${target}`, endMs: version.atMs })),
        ...all
          .filter((each) => !held.includes(each))
          .map(({ number, lastsMs = 0 }) => ({ name: `ban ${number}`, endMs: startMs + lastsMs })),
      ].toSorted((a, b) => a.endMs - b.endMs || (a.name < b.name ? -1 : 1))
      const kept = [...one.behind('')].map(({ kind, target }) => `${kind} ${target}`)
      const wanted = [...ends.slice(-10_000).map(({ name }) => name), ...held.map(({ number }) => `ban ${number}`)]
      expect(kept.toSorted()).toEqual(wanted.toSorted())
      expect(one.later([...other.behind('')])).toEqual([])
    }),
    { numRuns: 20 },
  )
})

test('of several words on one thing that come together, the last one holds', () => {
  fc.assert(
    fc.property(words, (all) => {
      const known = controlWords(fakeClock())
      for (const entry of known.later(all)) known.take(entry)
      expect(known.hash).toBe(heard(all).hash)
    }),
  )
})
