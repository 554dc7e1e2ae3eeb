import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { seededRandom } from '../../../lib/base/index.ts'
import type { Block } from '../../../lib/swarm/peer/index.ts'
import { downloadLab } from '../../kit/download-lab.ts'
import type { ScriptedPeer, ScriptedRequest } from '../../kit/scripted-peer.ts'
import { swarmBlob } from '../../kit/swarm-blob.ts'

const MIB = 1024 * 1024
const BLOCK = 256 * 1024
const blob = swarmBlob(5, 16 * MIB - 12_345, MIB / 2)
const STEP_MS = 100
/** Every peer gives in the end what it neither drops nor rejects, and one drops nothing: so long is enough. */
const MAX_STEPS = 10 * 60 * 10

interface Habits {
  readonly origin: boolean
  readonly least: number
  readonly spread: number
  /** Of a hundred requests, so many are never answered, and so many rejected. */
  readonly drops: number
  readonly rejects: number
}

const habits = fc.record({
  origin: fc.boolean(),
  least: fc.integer({ min: 0, max: 400 }),
  spread: fc.integer({ min: 0, max: 1_500 }),
  drops: fc.integer({ min: 0, max: 60 }),
  rejects: fc.integer({ min: 0, max: 30 }),
})

/** A peer with habits: it answers each request at a moment of its own, or never. */
class Moody {
  readonly peer: ScriptedPeer
  readonly #habits: Habits
  readonly #random: () => number
  readonly #due = new Map<ScriptedRequest, number>()
  /** Second requests that it rejected. */
  refused = 0

  constructor(peer: ScriptedPeer, habits: Habits, random: () => number) {
    this.peer = peer
    this.#habits = habits
    this.#random = random
  }

  /** It was asked for the block some time ago. */
  owes({ piece, offset }: Block): boolean {
    return this.peer.open.some(
      (request) => this.#due.has(request) && request.block.piece === piece && request.block.offset === offset,
    )
  }

  step(nowMs: number, others: readonly Moody[], give: (request: ScriptedRequest) => void): void {
    const { least, spread, drops, rejects } = this.#habits
    for (const request of this.peer.open) {
      const due = this.#due.get(request)
      if (due === undefined) {
        const luck = this.#random() * 100
        this.#due.set(request, luck < drops ? Number.POSITIVE_INFINITY : nowMs + least + this.#random() * spread)
        if (luck < 100 - rejects) continue
        if (others.some((other) => other !== this && other.owes(request.block))) this.refused += 1
        request.reject('PEER_REJECTED')
      } else if (due <= nowMs) give(request)
    }
  }
}

/** Bytes that more than one peer is asked for. */
function askedTwice(peers: readonly Moody[]): number {
  const asks = new Map<string, number>()
  for (const { peer } of peers) {
    for (const { block } of peer.open) {
      const key = `${block.piece} ${block.offset}`
      asks.set(key, (asks.get(key) ?? 0) + 1)
    }
  }
  return [...asks.values()].reduce((sum, count) => sum + (count - 1) * BLOCK, 0)
}

test('whatever peers delay, drop and reject, a reader gets every byte right, in bounded time, and little is asked for twice', async () => {
  let repeated = 0
  await fc.assert(
    fc.asyncProperty(fc.array(habits, { minLength: 2, maxLength: 5 }), fc.nat(1_000), async (many, seed) => {
      const random = seededRandom(seed)
      const lab = downloadLab(blob, random)
      const sure = { origin: false, least: 100, spread: 400, drops: 0, rejects: 10 }
      const peers = [sure, ...many].map((each, at) => {
        const peer = lab.join(`peer-${at}`, { role: each.origin ? 'origin' : 'agent' })
        return new Moody(peer, each, () => random.next())
      })
      let steps = 0
      for (; !lab.done && steps < MAX_STEPS; steps += 1) {
        for (const each of peers) each.step(lab.clock.monotonicMs(), peers, (request) => lab.give(request))
        await lab.pass(STEP_MS)
        expect(askedTwice(peers)).toBeLessThanOrEqual(2 * MIB)
      }
      expect([lab.done, lab.broken]).toEqual([true, []])
      expect(Buffer.compare(Buffer.concat(lab.read), blob.bytes)).toBe(0)
      const repeats = lab.value('shoal_swarm_repeats_total', 'reader') + lab.value('shoal_swarm_repeats_total', 'end')
      const refused = peers.reduce((sum, each) => sum + each.refused, 0)
      expect((repeats - refused) * BLOCK).toBeLessThanOrEqual(2 * MIB + blob.bytes.length * 0.02 + BLOCK)
      repeated += repeats
      lab.download.stop()
    }),
    { seed: 20261127, numRuns: 20 },
  )
  // Else it would prove nothing.
  expect(repeated).toBeGreaterThan(100)
})
