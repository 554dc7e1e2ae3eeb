import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { appError, type ErrorCode, hasCode } from '../../../lib/base/index.ts'
import { type BlobRef, parseRepository } from '../../../lib/core/index.ts'
import type { MetainfoRecord } from '../../../lib/metainfo/index.ts'
import { type SwarmBlob, swarmBlob } from '../../kit/swarm-blob.ts'
import { type LabNode, type SwarmLab, swarmLab } from '../../kit/swarm-lab.ts'

const names = ['evil/a', 'team/b', 'team/c'] as const
type Name = (typeof names)[number]
/** One piece with a torrent, several pieces, and one that fits in a header. */
const blobs = [100_000, 700_000, 9_000].map((size, seed) => swarmBlob(seed, size))

/** What a source answers of one blob under one name, however often it is asked. */
const outcomes = ['good', 'unknown', 'no rule', 'bad name', 'silent', 'breaks', 'breaks after the header'] as const
type Outcome = (typeof outcomes)[number]
const refused: Partial<Record<Outcome, ErrorCode>> = {
  unknown: 'BLOB_UNKNOWN',
  'no rule': 'NO_BACKEND_RULE',
  'bad name': 'NAME_INVALID',
  silent: 'SOURCES_EXHAUSTED',
  breaks: 'SOURCES_EXHAUSTED',
}

const never = new Promise<void>(() => undefined)

function* recordsOf(blob: SwarmBlob, outcome: Outcome): Iterable<MetainfoRecord | Promise<void>> {
  const code = refused[outcome]
  if (outcome === 'silent') yield never
  else if (outcome === 'breaks') throw appError('METAINFO_INCOMPLETE')
  else if (code !== undefined) throw appError(code)
  else if (outcome === 'breaks after the header' && blob.header.data === undefined) {
    yield { kind: 'header', header: blob.header }
    throw appError('METAINFO_INCOMPLETE')
  } else yield* blob.records
}

interface Ask {
  readonly name: number
  readonly blob: number
  /** How long after the one before, in milliseconds. */
  readonly afterMs: number
}

const world = fc.record({
  outcomes: fc.array(fc.constantFrom(...outcomes), {
    minLength: names.length * blobs.length,
    maxLength: names.length * blobs.length,
  }),
  asks: fc.array(
    fc.record({
      name: fc.nat(names.length - 1),
      blob: fc.nat(blobs.length - 1),
      afterMs: fc.constantFrom(0, 0, 20, 900),
    }),
    { minLength: 2, maxLength: 10 },
  ),
})

async function answerTo(node: LabNode, ref: BlobRef, bytes: Uint8Array): Promise<string> {
  try {
    const handle = await node.engine.open(ref)
    try {
      const chunks: Uint8Array[] = []
      for await (const chunk of handle.read()) chunks.push(chunk as Uint8Array)
      return Buffer.concat(chunks).equals(bytes) ? 'bytes' : 'wrong bytes'
    } finally {
      handle.close()
    }
  } catch (err) {
    return hasCode(err, 'STALLED') ? 'SOURCES_EXHAUSTED' : String((err as { code?: unknown }).code)
  }
}

/** What each reader is told, with what it would be told if it were alone. */
async function tell(lab: SwarmLab, of: (ask: Ask) => Outcome, asks: readonly Ask[]) {
  const index = (blob: BlobRef) => ({
    name: names.indexOf(blob.repository.name as string as Name),
    blob: blobs.findIndex(({ digest }) => digest === blob.digest),
    afterMs: 0,
  })
  lab.sources.answerMetainfo((ref) => {
    const ask = index(ref)
    const blob = blobs[ask.blob]
    return blob && recordsOf(blob, of(ask))
  })
  const node = await lab.agent()
  const told: Promise<readonly [alone: string, answer: string]>[] = []
  for (const ask of asks) {
    await lab.clock.advance(ask.afterMs)
    const [name, blob] = [names[ask.name], blobs[ask.blob]]
    if (name === undefined || blob === undefined) throw new Error('no such reader')
    const outcome = of(ask)
    const isWhole = outcome === 'good' || (outcome === 'breaks after the header' && blob.header.data !== undefined)
    const alone = isWhole ? 'bytes' : (refused[outcome] ?? 'SOURCES_EXHAUSTED')
    const ref = { digest: blob.digest, repository: parseRepository(name) }
    told.push(answerTo(node, ref, blob.bytes).then((answer) => [alone, answer]))
  }
  return lab.run(Promise.all(told))
}

test('each reader gets what it would have got alone, or bytes that another brought, and never the refusal of another', async () => {
  await fc.assert(
    fc.asyncProperty(world, async ({ outcomes: given, asks }) => {
      await using lab = swarmLab(blobs)
      const of = ({ name, blob }: Ask) => given[name * blobs.length + blob] ?? 'unknown'
      for (const [alone, answer] of await tell(lab, of, asks)) {
        // Who joins a pull that got its header waits as long as that one.
        if (alone === 'bytes') expect(answer).toBe('bytes')
        else expect([alone, 'bytes', 'SOURCES_EXHAUSTED']).toContain(answer)
      }
    }),
    { seed: 20261127, numRuns: Number(process.env['RUNS'] ?? 40) },
  )
})
