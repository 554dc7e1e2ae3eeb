import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { PieceMemory } from '../../../lib/swarm/torrent/shared/piece-memory.ts'
import { type PiecePool, piecePool } from '../../../lib/swarm/torrent/shared/piece-pool.ts'

const KIB = 1024
const MAX_BYTES = 6 * 1024 * KIB
const CAPACITIES = [256 * KIB, 512 * KIB, 1024 * KIB]

/** A piece that is out. */
interface Out {
  readonly memory: PieceMemory
  readonly capacity: number
  readonly bytes: Uint8Array
  /** Ends the request that may still write; undefined when none may. */
  readonly end: (() => void) | undefined
  released: boolean
}

type Step =
  | { readonly kind: 'take'; readonly size: number; readonly short: number; readonly withdrawn: boolean }
  | { readonly kind: 'release' | 'end'; readonly which: number }
  | { readonly kind: 'rest' }

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('take' as const),
      size: fc.nat({ max: 2 }),
      short: fc.nat({ max: 256 * KIB - 1 }),
      withdrawn: fc.boolean(),
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constantFrom('release' as const, 'end' as const), which: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('rest' as const) }) },
)

/** What the pool must do, told by a list of the pieces that are out or in quarantine. */
class Model {
  readonly pool: PiecePool = piecePool({ maxBytes: MAX_BYTES, spare: () => false })
  #out: Out[] = []

  apply(next: Step): void {
    if (next.kind === 'take') this.#take(next)
    else if (next.kind === 'rest') this.pool.rest()
    else this.#change(next)
    expect(this.pool.usedBytes).toBe(this.#out.reduce((sum, { capacity }) => sum + capacity, 0))
    expect(this.pool.usedBytes).toBeLessThanOrEqual(MAX_BYTES)
  }

  /** Everything comes back: then the largest pieces fit again, as many as at first. */
  end(): void {
    for (const piece of this.#out) {
      piece.end?.()
      piece.memory.release()
    }
    const largest = 1024 * KIB
    for (let bytes = 0; bytes < MAX_BYTES; bytes += largest) {
      expect(this.pool.hasRoom(largest)).toBe(true)
      this.pool.take(largest, largest)
    }
    expect(this.pool.hasRoom(256 * KIB)).toBe(false)
  }

  #take({ size, short, withdrawn }: Extract<Step, { kind: 'take' }>): void {
    const capacity = CAPACITIES[size] ?? 0
    if (!this.pool.hasRoom(capacity)) return
    const memory = new PieceMemory(this.pool, capacity - short, capacity)
    const landing = memory.land(0, memory.length)
    const bytes = landing.into
    if (!withdrawn) landing.end(true)
    this.#out.push({ memory, capacity, bytes, end: withdrawn ? () => landing.end(false) : undefined, released: false })
    this.#nobodyOverlaps(bytes)
  }

  #nobodyOverlaps(bytes: Uint8Array): void {
    for (const other of this.#out) {
      if (other.bytes === bytes) continue
      expect(other.bytes.buffer === bytes.buffer).toBe(true)
      const apart =
        other.bytes.byteOffset + other.bytes.length <= bytes.byteOffset ||
        bytes.byteOffset + bytes.length <= other.bytes.byteOffset
      expect(apart).toBe(true)
    }
  }

  #change({ kind, which }: Extract<Step, { kind: 'release' | 'end' }>): void {
    const piece = this.#out[which % Math.max(1, this.#out.length)]
    if (piece === undefined) return
    let { end } = piece
    if (kind === 'end') {
      end?.()
      end = undefined
    } else {
      piece.memory.release()
    }
    const released = piece.released || kind === 'release'
    const rest = this.#out.filter((other) => other !== piece)
    this.#out = released && end === undefined ? rest : [...rest, { ...piece, end, released }]
  }
}

test('parts never overlap, stay within the bound, join again, and are not given out while a socket may write to them', () => {
  const run = (steps: readonly Step[]) => {
    const model = new Model()
    for (const next of steps) model.apply(next)
    model.end()
  }
  fc.assert(fc.property(fc.array(step, { maxLength: 120 }), run), { seed: 29, numRuns: 400 })
})
