import { expect, test } from '@jest/globals'
import { fakeClock, seededRandom } from '../../../lib/base/index.ts'
import { type ByteRange, pieceLengthFor } from '../../../lib/core/index.ts'
import { memoryStore } from '../../../lib/store/index.ts'
import { silentLogger } from '../../../lib/telemetry/index.ts'
import { partialBytes } from '../../../services/origin/bring/partial-bytes.ts'
import { contentOf, writePieces } from '../../kit/store-fixture.ts'

const PIECE = pieceLengthFor(0)
const content = contentOf(Buffer.from(seededRandom(4).bytes(8 * PIECE + 5)), PIECE)

/** The slices in which the whole blob is read, while these pieces are there; a missing one comes when it is waited for. */
async function slicesWith(pieces: readonly number[]): Promise<readonly ByteRange[]> {
  const store = memoryStore(
    { clock: fakeClock(), random: seededRandom(1), logger: silentLogger() },
    { capacityBytes: 1e8 },
  )
  await store.start()
  const partial = await store.openPartial(content.digest, content.map)
  await writePieces(partial, content, pieces)
  const slices: ByteRange[] = []
  const parts: Uint8Array[] = []
  const ready = async (slice: ByteRange) => {
    slices.push({ start: slice.start / PIECE, end: slice.end / PIECE })
    const piece = content.map.pieceAt(slice.start)
    if (!partial.have.has(piece)) await writePieces(partial, content, [piece])
  }
  for await (const bytes of partialBytes(partial, { start: 0, end: content.bytes.length }, ready)) parts.push(bytes)
  expect(Buffer.compare(Buffer.concat(parts), content.bytes)).toBe(0)
  await store.stop()
  return slices
}

const all = [0, 1, 2, 3, 4, 5, 6, 7, 8]
const end = content.bytes.length / PIECE

test.each<[string, readonly number[], readonly (readonly [number, number])[]]>([
  [
    'as long as they may be where the pieces are there, and what is withheld apart',
    all,
    [
      [0, 4],
      [4, 7],
      [7, 8],
      [8, end],
    ],
  ],
  ['single pieces as they come', [], all.map((piece) => [piece, Math.min(end, piece + 1)] as const)],
  [
    'up to a piece that is missing',
    [0, 1, 3, 4, 5, 6, 7, 8],
    [
      [0, 2],
      [2, 6],
      [6, 7],
      [7, 8],
      [8, end],
    ],
  ],
])('a blob that arrives is read in slices: %s', async (_, pieces, expected) => {
  expect(await slicesWith(pieces)).toEqual(expected.map(([start, stop]) => ({ start, end: stop })))
})
