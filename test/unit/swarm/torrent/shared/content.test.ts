import { expect, test } from '@jest/globals'
import { fakeClock, seededRandom } from '../../../../../lib/base/index.ts'
import { memoryStore } from '../../../../../lib/store/index.ts'
import { arrivingContent } from '../../../../../lib/swarm/torrent/shared/content.ts'
import { sliceCache } from '../../../../../lib/swarm/torrent/shared/slice-cache.ts'
import { warmPieces } from '../../../../../lib/swarm/torrent/shared/warm-pieces.ts'
import { silentLogger } from '../../../../../lib/telemetry/index.ts'
import { contentOf, writePieces } from '../../../../kit/store-fixture.ts'
import { swarmBlob } from '../../../../kit/swarm-blob.ts'

test('what was read while its neighbours were missing never stands for them', async () => {
  const store = memoryStore(
    { clock: fakeClock(), random: seededRandom(1), logger: silentLogger() },
    { capacityBytes: 1e8 },
  )
  await store.start()
  const blob = swarmBlob(5, 1024 * 1024)
  const pieces = contentOf(blob.bytes, blob.map.pieceLength)
  const arriving = await arrivingContent(store, blob.header)
  const slices = sliceCache(8 * 1024 * 1024, warmPieces(0))
  for (const piece of [1, 0, 3, 2]) {
    if (arriving.partial === undefined) throw new Error('no partial')
    await writePieces(arriving.partial, pieces, [piece])
    const range = blob.map.rangeOf(piece)
    const into = Buffer.alloc(range.end - range.start)
    await slices.read(arriving, range, into)
    expect(Buffer.compare(into, blob.bytes.subarray(range.start, range.end))).toBe(0)
  }
  await store.stop()
})
