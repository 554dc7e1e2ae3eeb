import { describe, expect, test } from '@jest/globals'
import { hashPiece } from '../../../../../lib/metainfo/index.ts'
import { pieceJob, type SealedPiece } from '../../../../../lib/swarm/torrent/fetch/piece-job.ts'
import { type Suspects, suspects } from '../../../../../lib/swarm/torrent/fetch/suspects.ts'
import { PieceMemory } from '../../../../../lib/swarm/torrent/shared/piece-memory.ts'
import { piecePool } from '../../../../../lib/swarm/torrent/shared/piece-pool.ts'

const BLOCK = 4
const good = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12)

function sealed(givers: readonly string[], bytes: Uint8Array): SealedPiece {
  const memory = new PieceMemory(piecePool({ maxBytes: 0, spare: () => false }), bytes.length, bytes.length)
  const job = pieceJob({ piece: 0, memory, blockLength: BLOCK, owner: 'x', whole: false, nowMs: 0 })
  for (const [index, block] of job.blocks.entries()) block.givenBy = givers[index]
  return { job, bytes }
}

function accuse(court: Suspects, givers: readonly string[], bytes: Uint8Array) {
  return court.accuse(sealed(givers, bytes), hashPiece(bytes), false)
}

const spoilt = (...at: readonly number[]) => good.map((byte, index) => (at.includes(index) ? byte ^ 0xff : byte))

describe('a bad piece', () => {
  test('from one giver is held against it, which convicts it once another gave the right one', () => {
    const court = suspects()
    expect(accuse(court, ['a', 'a', 'a'], spoilt(5))).toEqual({ only: 'a', agreed: false })
    expect(court.has(0)).toBe(true)
    expect(court.judge(0, good)).toEqual(['a'])
  })

  test('from one giver is its lie at once when the hashes are to be trusted, and no other is asked for it whole', () => {
    const court = suspects()
    const bytes = spoilt(5)
    expect(court.accuse(sealed(['a', 'a', 'a'], bytes), hashPiece(bytes), true)).toEqual({ only: 'a', agreed: false })
    expect(court.has(0)).toBe(false)
  })

  test('from several convicts nobody until the piece is known', () => {
    const court = suspects()
    expect(accuse(court, ['a', 'b', 'c'], spoilt(5))).toEqual({ only: undefined, agreed: false })
    expect(court.has(0)).toBe(true)
    expect(court.judgeAll()).toEqual([])
  })

  test('convicts the givers of the wrong blocks only, and each once', () => {
    const court = suspects()
    accuse(court, ['a', 'b', 'a'], spoilt(1, 9))
    expect(court.judge(0, good)).toEqual(['a'])
    expect(court.has(0)).toBe(false)
    expect(court.judge(0, good)).toEqual([])
  })

  test('of another number is another case', () => {
    expect(suspects().judge(3, good)).toEqual([])
  })

  test.each([
    ['two', ['a', 'a', 'a'], ['b', 'b', 'b'], true],
    ['two parties', ['a', 'b', 'a'], ['c', 'c', 'c'], true],
    ['one, twice', ['a', 'a', 'a'], ['a', 'a', 'a'], false],
    ['one, and others together with it', ['a', 'b', 'a'], ['a', 'a', 'a'], false],
  ])('that %s give alike may be the right one', (_, first, second, agreed) => {
    const court = suspects()
    accuse(court, first, spoilt(1))
    expect(accuse(court, second, spoilt(1))).toMatchObject({ agreed })
  })

  test('that two give differently is the lie of each', () => {
    const court = suspects()
    accuse(court, ['a', 'a', 'a'], spoilt(1))
    expect(accuse(court, ['b', 'b', 'b'], spoilt(2))).toEqual({ only: 'b', agreed: false })
    expect(court.judgeAll()).toEqual(['a', 'b'])
    expect(court.judge(0, good)).toEqual(['a', 'b'])
  })
})
