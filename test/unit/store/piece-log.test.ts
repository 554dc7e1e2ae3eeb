import { describe, expect, test } from '@jest/globals'
import { PieceMap } from '../../../lib/core/index.ts'
import { PieceLog, RECORD_BYTES } from '../../../lib/store/disk/piece-log.ts'

const map = new PieceMap(2500, 1000)
const hash = Uint8Array.from({ length: 32 }, (_, i) => i + 1)

describe('the map file of a partial blob', () => {
  test('is read as it was written', () => {
    const log = new PieceLog(map)
    log.set(0, 'written', hash)
    log.set(2, 'written', hash)
    log.set(2, 'synced')
    const again = new PieceLog(map, log.bytes)
    expect([0, 1, 2].map((piece) => again.state(piece))).toEqual(['written', 'missing', 'synced'])
    expect(again.hash(2)).toEqual(Buffer.from(hash))
    expect(again.pieces('written', 'synced')).toEqual([0, 2])
    expect(again.pieces('written')).toEqual([0])
  })

  test('has records that cross no sector, with the state behind the hash', () => {
    expect(512 % RECORD_BYTES).toBe(0)
    const log = new PieceLog(map)
    log.set(1, 'written', hash)
    expect(log.bytes).toHaveLength(3 * RECORD_BYTES)
    expect([...log.bytes.subarray(RECORD_BYTES, RECORD_BYTES + 33)]).toEqual([...hash, 1])
  })

  test('counts as missing what a short, empty or scrambled file does not say', () => {
    const log = new PieceLog(map)
    for (const piece of [0, 1, 2]) log.set(piece, 'synced', hash)
    expect(new PieceLog(map, log.bytes.subarray(0, RECORD_BYTES + 32)).pieces('synced', 'written')).toEqual([0])
    expect(new PieceLog(map).pieces('missing')).toEqual([0, 1, 2])
    expect(new PieceLog(map, Buffer.alloc(500, 0xff)).pieces('missing')).toEqual([0, 1, 2])
  })
})
