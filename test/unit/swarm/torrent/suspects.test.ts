import { describe, expect, test } from '@jest/globals'
import { bufferPool } from '../../../../lib/swarm/torrent/buffer-pool.ts'
import { type PieceJob, pieceJob } from '../../../../lib/swarm/torrent/piece-job.ts'
import { PieceMemory } from '../../../../lib/swarm/torrent/piece-memory.ts'
import { suspects } from '../../../../lib/swarm/torrent/suspects.ts'

const BLOCK = 4
const good = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12)

function job(givers: readonly string[], bytes: Uint8Array): [PieceJob, Uint8Array] {
  const piece = pieceJob({
    piece: 0,
    memory: new PieceMemory(bufferPool(bytes.length, 0), bytes.length, bytes.length),
    blockLength: BLOCK,
    owner: 'x',
    whole: false,
    nowMs: 0,
  })
  for (const [index, block] of piece.blocks.entries()) block.givenBy = givers[index]
  return [piece, bytes]
}

const spoilt = (...at: readonly number[]) => good.map((byte, index) => (at.includes(index) ? byte ^ 0xff : byte))

describe('a bad piece', () => {
  test('from one giver convicts it at once', () => {
    expect(suspects().accuse(...job(['a', 'a', 'a'], spoilt(5)))).toEqual(['a'])
  })

  test('from several convicts nobody until the piece is known', () => {
    const court = suspects()
    expect(court.accuse(...job(['a', 'b', 'c'], spoilt(5)))).toEqual([])
    expect(court.has(0)).toBe(true)
  })

  test('convicts the givers of the wrong blocks only, and each once', () => {
    const court = suspects()
    court.accuse(...job(['a', 'b', 'a'], spoilt(1, 9)))
    expect(court.judge(0, good)).toEqual(['a'])
    expect(court.has(0)).toBe(false)
    expect(court.judge(0, good)).toEqual([])
  })

  test('of another number is another case', () => {
    expect(suspects().judge(3, good)).toEqual([])
  })
})
