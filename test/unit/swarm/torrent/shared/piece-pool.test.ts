import { expect, test } from '@jest/globals'
import { piecePool } from '../../../../../lib/swarm/torrent/shared/piece-pool.ts'

const KIB = 1024
const MIB = 1024 * KIB
const [SMALL, MIDDLE, LARGE] = [256 * KIB, 512 * KIB, MIB]

const nothing = () => false

/** Pieces that are only kept; `spare` gives the first one back. */
function keeper(maxBytes: number) {
  const kept: Uint8Array[] = []
  const pool = piecePool({
    maxBytes,
    spare: () => {
      const bytes = kept.shift()
      if (bytes !== undefined) pool.give(bytes)
      return bytes !== undefined
    },
  })
  return { pool, kept }
}

test('gives out memory that threads share, as long as the piece', () => {
  const pool = piecePool({ maxBytes: LARGE, spare: nothing })
  const bytes = pool.take(10, SMALL)
  expect(bytes.buffer).toBeInstanceOf(SharedArrayBuffer)
  expect([bytes.length, pool.usedBytes]).toEqual([10, SMALL])
})

test('touches no more than was needed at one time, whatever the lengths of the pieces', () => {
  const pool = piecePool({ maxBytes: 64 * LARGE, spare: nothing })
  const ends = [LARGE, SMALL, MIDDLE, SMALL, LARGE].map((size) => {
    const wave = Array.from({ length: (4 * LARGE) / size }, () => pool.take(size, size))
    for (const bytes of wave) pool.give(bytes)
    return Math.max(...wave.map(({ byteOffset }) => byteOffset + size))
  })
  expect(Math.max(...ends)).toBe(4 * LARGE)
})

test('uses first what was used last', () => {
  const pool = piecePool({ maxBytes: 3 * LARGE, spare: nothing })
  const [first, second] = [pool.take(LARGE, LARGE), pool.take(LARGE, LARGE)]
  pool.give(second)
  pool.give(first)
  expect(pool.take(LARGE, LARGE).byteOffset).toBe(first.byteOffset)
  expect(pool.take(SMALL, SMALL).byteOffset).toBe(second.byteOffset)
})

test('has room for as much as its bound, and for one piece of any length in any case', () => {
  const pool = piecePool({ maxBytes: 1, spare: nothing })
  expect(pool.hasRoom(LARGE)).toBe(true)
  const bytes = pool.take(1, SMALL)
  expect([pool.hasRoom(LARGE), pool.hasRoom(MIDDLE)]).toEqual([false, true])
  pool.give(bytes)
  expect(pool.hasRoom(LARGE)).toBe(true)
})

test('what is only kept goes when it keeps free memory apart, but not for more than is free', () => {
  const { pool, kept } = keeper(2 * LARGE)
  const parts = Array.from({ length: 8 }, () => pool.take(SMALL, SMALL))
  const apart = parts.filter((_, i) => i % 4 === 0)
  for (const bytes of parts) if (!apart.includes(bytes)) pool.give(bytes)
  kept.push(...apart)
  expect([pool.hasRoom(LARGE), kept.length]).toEqual([true, 1])
  pool.take(LARGE, LARGE)
  expect([pool.hasRoom(LARGE), kept.length]).toEqual([false, 1])
})

test('what is only kept goes for who cannot go on without memory, and no more of it than is needed', () => {
  const { pool, kept } = keeper(LARGE)
  kept.push(...Array.from({ length: 4 }, () => pool.take(SMALL, SMALL)))
  expect([pool.hasRoom(MIDDLE), pool.claimRoom(MIDDLE), kept.length]).toEqual([false, true, 2])
  expect([pool.claimRoom(LARGE), kept.length]).toEqual([true, 0])
  pool.take(SMALL, SMALL)
  expect(pool.claimRoom(LARGE)).toBe(false)
})

test('refuses to take back what is not out', () => {
  const pool = piecePool({ maxBytes: LARGE, spare: nothing })
  const bytes = pool.take(SMALL, SMALL)
  pool.give(bytes)
  expect(() => pool.give(bytes)).toThrow('this part is not out')
  expect(pool.usedBytes).toBe(0)
})

test('goes on with the memory that it let go of, as long as that is not collected', () => {
  const pool = piecePool({ maxBytes: LARGE, spare: nothing })
  const memory = () => {
    const bytes = pool.take(SMALL, SMALL)
    pool.give(bytes)
    return bytes.buffer
  }
  const first = memory()
  pool.rest()
  // It is not collected as long as this test holds it.
  expect(memory()).toBe(first)
})
