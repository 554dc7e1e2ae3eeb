import { buffer } from 'node:stream/consumers'
import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { PieceMap, parseRepository, pieceLengthFor, readPriorities } from '../../../lib/core/index.ts'
import { blobKey } from '../../../services/origin/blob-keys.ts'
import { demand, type PieceState } from '../../../services/origin/bring/demand.ts'
import { nextUnit } from '../../../services/origin/bring/ingest-plan.ts'
import { unitWay } from '../../../services/origin/bring/unit-way.ts'
import { type BarredBackend, barredBackend } from '../../kit/barred-backend.ts'
import { cipherBytes } from '../../kit/cipher-bytes.ts'
import { originLab } from '../../kit/origin-lab.ts'
import { contentOf } from '../../kit/store-fixture.ts'

const MIB = 1024 * 1024
const ask = { hop: false } as const

const PIECE = pieceLengthFor(0)
const size = 23 * PIECE + 99
const content = contentOf(cipherBytes('right', size), PIECE)
const blob = { digest: content.digest, repository: parseRepository('team/app') }

const anywhere = fc.integer({ min: 0, max: size - 1 })
const bytes = fc.integer({ min: 1, max: 9 * PIECE })
const step = fc.oneof(
  fc.record({ want: anywhere, bytes, priority: fc.constantFrom(...readPriorities) }),
  fc.record({ read: anywhere, bytes }),
  fc.record({ turns: fc.nat({ max: 30 }) }),
)
const world = fc.record({
  unitPieces: fc.constantFrom(1, 2, 4),
  runUnits: fc.integer({ min: 1, max: 4 }),
  steps: fc.array(step, { maxLength: 25 }),
})
type World = typeof world extends fc.Arbitrary<infer W> ? W : never

/** Carries out the steps at an origin; returns what it has asked of the backend when all of the blob is there. */
async function askedOf({ unitPieces, runUnits, steps }: World): Promise<BarredBackend['asked']> {
  let barred: BarredBackend | undefined
  const unitBytes = unitPieces * PIECE
  const lab = originLab({
    ...{ count: 1, replicas: 1, unitBytes, runBytes: runUnits * unitBytes },
    wrapBackend(backend) {
      barred = barredBackend(backend)
      return barred.backend
    },
  })
  const { store, ingest } = lab.origins[0]!
  await store.start()
  await lab.inner.write(blobKey(content.digest), content.bytes, { size })
  const reads: Promise<unknown>[] = []
  for (const each of steps) {
    if ('turns' in each) for (let turn = 0; turn < each.turns; turn += 1) await new Promise(setImmediate)
    else if ('want' in each) {
      const range = { start: each.want, end: each.want + each.bytes }
      reads.push(ingest.want(blob, [range], { ...ask, priority: each.priority }))
    } else {
      const range = { start: each.read, end: Math.min(size, each.read + each.bytes) }
      reads.push(ingest.open(blob, ask).then(async ({ read }) => buffer(await read(range, { standsAlone: true }))))
    }
  }
  await Promise.all([ingest.ensure(blob, ask), ...reads])
  expect(lab.watched.counts.between(size)).toEqual({ least: 1, most: 1 })
  return barred!.asked
}

test('whatever its readers ask for in whatever order, a blob costs no more requests than it has units', async () => {
  const holds = async (each: World) => {
    const asked = await askedOf(each)
    expect(asked.length).toBeLessThanOrEqual(Math.ceil(size / (each.unitPieces * PIECE)))
  }
  await fc.assert(fc.asyncProperty(world, holds), { numRuns: 20 })
})

interface Reading {
  /** Reads at a time. */
  readonly atOnce: number
  /** Bytes that its reader asks for ahead; 0: nobody reads. */
  readonly ahead: number
  /** In which order the reads end. */
  readonly order: number
}

/** Requests for a blob that is read front to back. */
function requestsFor(length: number, units: { readonly unitBytes: number; readonly runBytes: number }, init: Reading) {
  const { atOnce, ahead, order } = init
  const map = new PieceMap(length)
  const states = Array.from({ length: map.count }, (): PieceState => 'missing')
  const stateOf = (piece: number) => states[piece] ?? 'here'
  const wanted = demand(stateOf)
  const way = unitWay(units)
  const running: number[][] = []
  let [front, requests] = [0, 0]
  const plan = () => {
    const last = Math.min(map.count, front + Math.floor(ahead / map.pieceLength)) - 1
    if (front < map.count) wanted.ask(front, last, 'onDemand')
    return nextUnit({ map, front, demand: wanted, stateOf }, { ...way.lengths, fill: true })
  }
  for (let turn = order; front < map.count; turn += 7) {
    for (let run = plan(); run !== undefined && running.length < atOnce; run = plan()) {
      way.begun(run)
      requests += 1
      const { first, last } = map.covering(run.range)
      const pieces = Array.from({ length: last - first + 1 }, (_, at) => first + at)
      for (const piece of pieces) states[piece] = 'coming'
      running.push(pieces)
    }
    for (const piece of running.splice(turn % running.length, 1).flat()) states[piece] = 'here'
    while (states[front] === 'here') front += 1
  }
  return requests
}

test('1 GiB that is read whole costs at most as many requests as in parts of 8 MiB', () => {
  const units = { unitBytes: 4 * MIB, runBytes: 16 * MIB }
  const reading = fc.record({
    atOnce: fc.integer({ min: 1, max: 6 }),
    ahead: fc.constantFrom(0, MIB, 8 * MIB, 24 * MIB),
    order: fc.nat(),
  })
  const holds = (each: Reading) => expect(requestsFor(1024 * MIB, units, each)).toBeLessThanOrEqual(128)
  fc.assert(fc.property(reading, holds), { numRuns: 40 })
})
