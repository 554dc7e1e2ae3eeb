import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { type PeerId, peerIdOf } from '../../../lib/core/index.ts'
import { ownerByHost, ownerByKey } from '../../../services/tracker/owner.ts'
import { MAX_ROW, MAX_ROW_NAME, peerRow, readRow, rowName } from '../../../services/tracker/peer-store/rows.ts'

const host = fc.oneof(fc.ipV4(), fc.ipV6())
const peerId = fc.string({
  unit: fc.integer({ min: 0, max: 15 }).map((digit) => digit.toString(16)),
  minLength: 40,
  maxLength: 40,
}) as fc.Arbitrary<PeerId>
const entry = fc
  .record({
    peerId,
    host,
    port: fc.integer({ min: 1, max: 65_535 }),
    role: fc.constantFrom('agent' as const, 'origin' as const),
    complete: fc.boolean(),
    key: fc.oneof(fc.string({ minLength: 1, maxLength: 255 }).map(ownerByKey), host.map(ownerByHost)),
    zone: fc.option(
      fc.string({ unit: 'grapheme', minLength: 1, maxLength: 60 }).filter((text) => text.length <= 255),
      {
        nil: undefined,
      },
    ),
    proof: fc.option(fc.string({ minLength: 1 }), { nil: undefined }),
  })
  .map(({ proof, zone, ...rest }) => ({
    ...rest,
    ...(zone !== undefined && { zone }),
    ...(proof !== undefined && { key: ownerByKey(proof), peerId: peerIdOf(proof) }),
  }))
const left = fc.option(fc.integer({ min: 0, max: 2 ** 45 }), { nil: undefined })

test('what a tracker writes of a peer is short, and is what another one reads', () => {
  fc.assert(
    fc.property(entry, left, (peer, leftBytes) => {
      const [name, row] = [rowName(peer.peerId, peer.key), peerRow(peer, leftBytes)]
      expect(name.length).toBeLessThanOrEqual(MAX_ROW_NAME)
      expect(row.length).toBeLessThanOrEqual(MAX_ROW)
      expect(readRow(name, row)).toEqual({ entry: peer, leftBytes })
    }),
    { seed: 1, numRuns: 2000 },
  )
})

test('a changed row is refused, or says what a tracker might have written', () => {
  fc.assert(
    fc.property(entry, left, fc.nat(), fc.string({ maxLength: 3 }), (peer, leftBytes, at, piece) => {
      const name = rowName(peer.peerId, peer.key)
      const row = peerRow(peer, leftBytes)
      const place = at % row.length
      const read = readRow(name, row.slice(0, place) + piece + row.slice(place + 1))
      if (read === undefined) return
      expect(readRow(rowName(read.entry.peerId, read.entry.key), peerRow(read.entry, read.leftBytes))).toEqual(read)
      expect(read.entry.peerId).toBe(peer.peerId)
    }),
    { seed: 1, numRuns: 5000 },
  )
})
