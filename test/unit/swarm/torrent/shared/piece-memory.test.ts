import { describe, expect, test } from '@jest/globals'
import { PieceMemory } from '../../../../../lib/swarm/torrent/shared/piece-memory.ts'
import { piecePool } from '../../../../../lib/swarm/torrent/shared/piece-pool.ts'

const LENGTH = 8
const BLOCK = 4

function setUp() {
  const pool = piecePool({ maxBytes: 0, spare: () => false })
  const memory = new PieceMemory(pool, LENGTH, LENGTH)
  const sealed: Uint8Array[] = []
  return { pool, memory, sealed, seal: () => memory.seal((bytes) => void sealed.push(bytes)) }
}

describe('the memory of a piece', () => {
  test('takes the bytes of the first request of each block without a copy', () => {
    const { memory, sealed, seal } = setUp()
    const landings = [memory.land(0, BLOCK), memory.land(BLOCK, BLOCK)]
    for (const [index, landing] of landings.entries()) {
      landing.into.fill(index + 1)
      landing.end(true)
    }
    seal()
    expect([...sealed[0]!]).toEqual([1, 1, 1, 1, 2, 2, 2, 2])
    expect(landings[0]!.into.buffer).toBe(sealed[0]!.buffer)
  })

  test('is not read while a request that was withdrawn could still write into it', () => {
    const { memory, sealed, seal } = setUp()
    const late = memory.land(0, BLOCK)
    const given = memory.land(0, BLOCK)
    given.into.fill(7)
    given.end(true)
    memory.land(BLOCK, BLOCK).end(true)
    seal()
    expect(sealed).toEqual([])
    late.into.fill(9)
    late.end(false)
    expect([...sealed[0]!.subarray(0, BLOCK)]).toEqual([7, 7, 7, 7])
  })

  test('goes back to the pool only when nothing can write into it, and once', () => {
    const { memory, pool } = setUp()
    const late = memory.land(0, BLOCK)
    memory.release()
    memory.release()
    expect(pool.usedBytes).toBeGreaterThan(0)
    late.end(false)
    expect(pool.usedBytes).toBe(0)
  })

  test('that was given up is shown to nobody, and takes nothing that comes too late', () => {
    const { memory, sealed, seal, pool } = setUp()
    const late = memory.land(0, BLOCK)
    const second = memory.land(0, BLOCK)
    seal()
    memory.release()
    second.end(true)
    late.end(true)
    expect(sealed).toEqual([])
    expect(pool.usedBytes).toBe(0)
  })

  test('has no place for a request once it was handed on', () => {
    const { memory, seal } = setUp()
    seal()
    expect(() => memory.land(0, BLOCK)).toThrow('the memory of a piece was handed on already')
    expect(() => memory.write(0, Uint8Array.of(1))).toThrow('the memory of a piece was handed on already')
  })
})
