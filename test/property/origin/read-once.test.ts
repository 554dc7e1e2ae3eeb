import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { appError } from '../../../lib/base/index.ts'
import { parseRepository, pieceLengthFor } from '../../../lib/core/index.ts'
import { blobKey } from '../../../services/origin/blob-keys.ts'
import type { Siblings } from '../../../services/origin/ring/siblings.ts'
import { cipherBytes } from '../../kit/cipher-bytes.ts'
import { type OriginLab, originLab } from '../../kit/origin-lab.ts'
import { contentOf, readBlob } from '../../kit/store-fixture.ts'

const PIECE = pieceLengthFor(0)
const size = 3 * PIECE + 4321
const content = contentOf(cipherBytes('right', size), PIECE)
const blob = { digest: content.digest, repository: parseRepository('team/app') }
const COUNT = 3
const ids = Array.from({ length: COUNT }, (_, i) => `m${i}`)

/** What goes wrong on the way from one origin to another one. */
const way = fc.record({
  /** Its calls have failed before, so it counts as out. */
  isOut: fc.boolean(),
  /** A question that breaks, counted from the first; or none. */
  breaks: fc.constantFrom(undefined, 0, 1, 2),
  /** The other one has heard it. */
  isHeard: fc.boolean(),
  /** Reads that are refused at first. */
  refused: fc.nat({ max: 5 }),
})
const start = fc.record({ who: fc.constantFrom(...ids), hop: fc.boolean(), after: fc.nat({ max: 60 }) })
const world = fc.record({
  ways: fc.array(way, { minLength: COUNT * COUNT, maxLength: COUNT * COUNT }),
  starts: fc.array(start, { minLength: 2, maxLength: 5 }),
})
type World = typeof world extends fc.Arbitrary<infer W> ? W : never

const broken = (id: string) => appError('PEER_CLOSED', { detail: { member: id } })

function faulty(inner: Siblings, wayTo: (id: string) => World['ways'][number]): Siblings {
  const asked = new Map<string, number>()
  const refused = new Map<string, number>()
  const next = (counts: Map<string, number>, id: string) => {
    const count = counts.get(id) ?? 0
    counts.set(id, count + 1)
    return count
  }
  return {
    ...inner,
    async holding(member, ...args) {
      const { breaks, isHeard } = wayTo(member.id)
      if (next(asked, member.id) !== breaks) return inner.holding(member, ...args)
      if (isHeard) await inner.holding(member, ...args)
      throw broken(member.id)
    },
    async read(member, ...args) {
      if (next(refused, member.id) < wayTo(member.id).refused) throw broken(member.id)
      return inner.read(member, ...args)
    },
  }
}

function labOf({ ways }: World): OriginLab {
  const wayFrom = (from: string) => (to: string) => ways[ids.indexOf(from) * COUNT + ids.indexOf(to)]!
  const siblingsFor = (from: string, inner: Siblings) => faulty(inner, wayFrom(from))
  const lab = originLab({ count: COUNT, replicas: COUNT, siblingsFor })
  for (const { id, cluster } of lab.origins) {
    const out = ids.filter((other) => other !== id && wayFrom(id)(other).isOut)
    for (const other of out) for (let i = 0; i < 3; i += 1) cluster.report(other, 'failed')
  }
  return lab
}

async function holds(world: World): Promise<void> {
  const lab = labOf(world)
  for (const { store } of lab.origins) await store.start()
  await lab.inner.write(blobKey(content.digest), content.bytes, { size })
  lab.watched.openTo(PIECE)
  const all: Promise<unknown>[] = []
  for (const { who, hop, after } of world.starts) {
    all.push(lab.origin(who).ingest.ensure(blob, { hop }))
    for (let turn = 0; turn < after; turn += 1) await new Promise(setImmediate)
  }
  const over = Promise.all(all)
  const moment = () => lab.clock.advance(50).then(() => 'moment' as const)
  for (let moments = 0; moments < 100; moments += 1) await moment()
  lab.watched.openTo(Number.POSITIVE_INFINITY)
  while ((await Promise.race([over, moment()])) === 'moment');
  for (const { who } of world.starts) {
    expect(Buffer.compare(await readBlob(lab.origin(who).store, content.digest), content.bytes)).toBe(0)
  }
  expect(lab.watched.counts.between(size)).toEqual({ least: 1, most: 1 })
}

test('whoever counts as out, and whichever question breaks, each byte leaves the backend once', async () => {
  await fc.assert(fc.asyncProperty(world, holds), { numRuns: 60 })
})
