import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { type Digest, digestOf, parseTag } from '../../../lib/core/index.ts'
import {
  judgeManifests,
  type ManifestFacts,
  type RepositoryFacts,
} from '../../../services/build-index/retention/judge-manifests.ts'

const BEFORE = 1_000

interface Drawn {
  readonly names: readonly number[]
  readonly subject: number | undefined
  readonly condemnedAtMs: number | undefined
  readonly isTagged: boolean
  readonly signs: number | undefined
  readonly isHeld: boolean
}

/** What a manifest names was there before it, as a digest says: so it names earlier ones only. */
const drawn: fc.Arbitrary<readonly Drawn[]> = fc
  .array(
    fc.record({
      names: fc.array(fc.nat(20), { maxLength: 3 }),
      subject: fc.option(fc.nat(20), { nil: undefined, freq: 2 }),
      condemnedAtMs: fc.option(fc.integer({ min: BEFORE - 3, max: BEFORE + 3 }), { nil: undefined, freq: 3 }),
      isTagged: fc.integer({ min: 0, max: 9 }).map((n) => n < 2),
      signs: fc.option(fc.nat(20), { nil: undefined, freq: 4 }),
      isHeld: fc.integer({ min: 0, max: 9 }).map((n) => n < 1),
    }),
    { maxLength: 20, size: 'max' },
  )
  .map((all) =>
    all.map(({ names, subject, signs, ...rest }, i) => {
      // What refers to another or signs it names nothing else, so nothing needs itself in a circle.
      if (subject !== undefined && subject < i) return { ...rest, names: [], subject, signs: undefined }
      if (signs !== undefined && signs < i) return { ...rest, names: [], subject: undefined, signs }
      return { ...rest, names: names.filter((n) => n < i), subject: undefined, signs: undefined }
    }),
  )

const digestAt = (i: number): Digest => digestOf(Buffer.from(String(i)))
const signatureAt = (i: number) => parseTag(`${digestAt(i).replace(':', '-')}.sig`)

function factsOf(all: readonly Drawn[]): RepositoryFacts {
  const manifests = all.map(({ names, subject, condemnedAtMs }, i): ManifestFacts => {
    const named = subject === undefined ? names : [...names, subject]
    return {
      ...{ digest: digestAt(i), condemnedAtMs, names: new Set(named.map(digestAt)) },
      subject: subject === undefined ? undefined : digestAt(subject),
    }
  })
  const tags = all.flatMap(({ isTagged, signs }, i) => [
    ...(isTagged ? [{ tag: parseTag(`t${i}`), target: digestAt(i) }] : []),
    ...(signs === undefined ? [] : [{ tag: signatureAt(signs), target: digestAt(i) }]),
  ])
  // A name points to one manifest: the last.
  return { manifests, tags: [...new Map(tags.map((each) => [each.tag, each])).values()] }
}

/** Whether `one` needs `other`, by the words of the rules. */
const isNeeded =
  (all: readonly Drawn[], { tags }: RepositoryFacts) =>
  (one: number, other: number): boolean =>
    all[one]?.names.includes(other) === true ||
    all[one]?.subject === other ||
    all[other]?.subject === one ||
    tags.some(({ tag, target }) => tag === signatureAt(one) && target === digestAt(other))

/** What goes: of all that could go, whatever somebody needs that does not go stays, until nothing changes. */
function model(all: readonly Drawn[], facts: RepositoryFacts): ReadonlySet<number> {
  const needs = isNeeded(all, facts)
  const isRipe = ({ condemnedAtMs, isHeld, isTagged }: Drawn) =>
    condemnedAtMs !== undefined && condemnedAtMs <= BEFORE && !isHeld && !isTagged
  const gone = new Set(all.flatMap((each, i) => (isRipe(each) ? [i] : [])))
  for (let size = -1; size !== gone.size; ) {
    size = gone.size
    for (const i of gone) if (all.some((_, by) => !gone.has(by) && needs(by, i))) gone.delete(i)
  }
  return gone
}

test('what goes is all that nothing needs which stays, and goes after all that needs it', () => {
  const seen = { gone: 0, kept: 0, signatures: 0 }
  fc.assert(
    fc.property(drawn, (all) => {
      const facts = factsOf(all)
      const held = new Set(all.flatMap(({ isHeld }, i) => (isHeld ? [digestAt(i)] : [])))
      const { verdicts, doomed, condemned, pardoned } = judgeManifests(facts, { beforeMs: BEFORE, held })
      const gone = model(all, facts)
      expect(verdicts.flatMap(({ kept }, i) => (kept ? [] : [i]))).toEqual([...gone])
      const done = new Set<Digest>()
      for (const step of doomed) {
        for (const { neededBy, subject } of step) {
          expect(neededBy.every((digest) => done.has(digest))).toBe(true)
          if (subject !== undefined)
            expect(neededBy).toEqual(done.has(subject) ? expect.arrayContaining([subject]) : neededBy)
        }
        for (const { digest } of step) done.add(digest)
      }
      expect([...done].sort()).toEqual([...gone].map(digestAt).sort())
      const sentenceOf = (digest: Digest) => facts.manifests.find((each) => each.digest === digest)?.condemnedAtMs
      expect(condemned.every((digest) => sentenceOf(digest) === undefined)).toBe(true)
      expect(pardoned.every((digest) => sentenceOf(digest) !== undefined && !done.has(digest))).toBe(true)
      for (const { reason, condemnedAtMs, digest } of verdicts) {
        if (reason === 'waiting' && condemnedAtMs === undefined) expect(condemned).toContain(digest)
      }
      seen.gone += gone.size
      seen.kept += all.length - gone.size
      seen.signatures += doomed.flat().filter(({ tags }) => tags.length > 0).length
    }),
    { numRuns: 500 },
  )
  // Else the graphs have shown nothing.
  expect(Math.min(seen.gone, seen.kept, seen.signatures)).toBeGreaterThan(10)
})

test('what needs itself in a circle stays, since nothing of it can go first', () => {
  const [subject, report, part] = ['a', 'b', 'c'].map((text) => digestOf(Buffer.from(text))) as [Digest, Digest, Digest]
  const condemnedAtMs = 1
  const { verdicts, doomed } = judgeManifests(
    {
      manifests: [
        { digest: subject, names: new Set(), subject: undefined, condemnedAtMs },
        { digest: report, names: new Set([subject, part]), subject, condemnedAtMs },
        { digest: part, names: new Set([subject]), subject: undefined, condemnedAtMs },
      ],
      tags: [],
    },
    { beforeMs: BEFORE, held: new Set() },
  )
  expect([verdicts.every(({ kept }) => kept), doomed.flat()]).toEqual([true, []])
})

test('a signature of something in another repository stays, and one of something that was here goes', () => {
  const target = digestOf(Buffer.from('signature'))
  const tags = [{ tag: signatureAt(1), target }]
  const judged = (condemnedAtMs: number | undefined) =>
    judgeManifests(
      { manifests: [{ digest: target, names: new Set(), subject: undefined, condemnedAtMs }], tags },
      { beforeMs: BEFORE, held: new Set() },
    )
  expect(judged(undefined).verdicts[0]).toMatchObject({ kept: true, reason: 'tagged' })
  expect(judged(1).doomed.flat()).toMatchObject([{ digest: target, tags: [signatureAt(1)] }])
})
