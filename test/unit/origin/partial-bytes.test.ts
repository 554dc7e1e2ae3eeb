import { expect, test } from '@jest/globals'
import { fakeClock, seededRandom } from '../../../lib/base/index.ts'
import { type ByteRange, pieceLengthFor, WITHHELD_TAIL_BYTES } from '../../../lib/core/index.ts'
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
  const ready = async (offset: number) => {
    const piece = content.map.pieceAt(offset)
    if (!partial.have.has(piece)) await writePieces(partial, content, [piece])
  }
  let at = 0
  const released = content.bytes.length - WITHHELD_TAIL_BYTES
  for await (const bytes of partialBytes(partial, { start: 0, end: content.bytes.length }, { ready, released })) {
    slices.push({ start: at / PIECE, end: (at + bytes.length) / PIECE })
    at += bytes.length
    parts.push(bytes)
  }
  expect(Buffer.compare(Buffer.concat(parts), content.bytes)).toBe(0)
  await store.stop()
  return slices
}

const all = [0, 1, 2, 3, 4, 5, 6, 7, 8]
/** Where the withheld tail begins, in pieces. */
const tail = (content.bytes.length - WITHHELD_TAIL_BYTES) / PIECE

test.each<[string, readonly number[], readonly number[]]>([
  [
    'as long as they may be where the pieces are there, short at the end, and what is withheld apart',
    all,
    [0, 4, 4.5, 5, 5.5, 6, 6.5, 7, 7.5, tail],
  ],
  ['no longer than a piece as they come', [], [0, 1, 2, 3, 4, 4.5, 5, 5.5, 6, 6.5, 7, 7.5, tail, 8]],
  ['up to a piece that is missing', [0, 1, 3, 4, 5, 6, 7, 8], [0, 2, 6, 6.5, 7, 7.5, tail]],
])('a blob that arrives is read in slices: %s', async (_, pieces, starts) => {
  expect((await slicesWith(pieces)).map(({ start }) => start)).toEqual(starts)
})
