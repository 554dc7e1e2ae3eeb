import { describe, expect, test } from '@jest/globals'
import { fakeClock, seededRandom } from '../../../lib/base/index.ts'
import { PieceMap } from '../../../lib/core/index.ts'
import { blockHashing, inlineDigester, type PieceDigester, threadDigester } from '../../../lib/metainfo/index.ts'
import { contentStore } from '../../../lib/store/content-store.ts'
import { memoryMedium } from '../../../lib/store/memory/memory-medium.ts'
import { silentLogger } from '../../../lib/telemetry/index.ts'
import { intake } from '../../../services/origin/bring/intake.ts'
import { countingMedium } from '../../kit/counting-medium.ts'
import { chunksOf, contentOf, randomContent } from '../../kit/store-fixture.ts'

const length = 3_000_000
const content = contentOf(randomContent(length, 4).bytes, new PieceMap(length).pieceLength)
const records = Buffer.concat(Array.from({ length: content.map.count }, (_, piece) => content.hash(piece)))

async function world(digester: PieceDigester) {
  await digester.start()
  const { medium, reads } = countingMedium(memoryMedium())
  const parts = { clock: fakeClock(), random: seededRandom(1), logger: silentLogger() }
  const store = contentStore(parts, { capacityBytes: 1e8 }, medium)
  await store.start()
  const begin = async () =>
    intake(
      { sidecars: store, hashing: blockHashing(digester), holdWhole: () => () => undefined, onPiece: () => undefined },
      await store.openPartial(content.digest, content.map),
    )
  return { store, reads, begin, [Symbol.asyncDispose]: () => digester.stop() }
}

/** The bytes from `start` to `end` in chunks of an odd size. */
function body(start: number, end: number): AsyncGenerator<Uint8Array> {
  const starts = Array.from({ length: Math.ceil((end - start) / 65_537) }, (_, i) => start + i * 65_537)
  return chunksOf(...starts.map((at) => content.bytes.subarray(at, Math.min(end, at + 65_537))))
}

describe.each([
  ['the thread of the caller', inlineDigester],
  ['a thread of its own', threadDigester],
])('what an origin brings, hashed in %s,', (_, make) => {
  test('has its digest and the hashes of its pieces without a read of its bytes', async () => {
    await using lab = await world(make())
    const bringing = await lab.begin()
    const part = bringing.part({ start: 0, end: length })
    await expect(part.take(body(0, 1_000_001))).rejects.toMatchObject({ code: 'PEER_CLOSED' })
    expect(part.offset).toBe(1_000_001)
    await part.take(body(1_000_001, length))
    expect(bringing.isWhole).toBe(true)
    expect(await bringing.finish()).toMatchObject({ digest: content.digest })
    bringing.end()
    expect(Buffer.compare((await lab.store.sidecar(content.digest, 'pieces'))!, records)).toBe(0)
    expect(lab.reads).toEqual({ blobs: 0, partials: 0, uploads: 0 })
  })

  test('is read only as far as an earlier run brought it', async () => {
    await using lab = await world(make())
    const first = await lab.begin()
    const two = content.map.rangeOf(1).end
    await first.part({ start: 0, end: two }).take(body(0, two))
    first.end()
    const second = await lab.begin()
    await second.moreKnown(1)
    expect(second.arrival.front).toBe(2)
    expect(lab.reads.partials).toBe(2)
    await second.part({ start: two, end: length }).take(body(two, length))
    await second.finish()
    second.end()
    expect(Buffer.compare((await lab.store.sidecar(content.digest, 'pieces'))!, records)).toBe(0)
    expect(lab.reads).toEqual({ blobs: 0, partials: 2, uploads: 0 })
  })

  test('is refused when its digest is wrong', async () => {
    await using lab = await world(make())
    const bringing = await lab.begin()
    const wrong = content.bytes.slice()
    wrong[1_234_567] = (wrong[1_234_567] ?? 0) ^ 1
    await bringing.part({ start: 0, end: length }).take(chunksOf(wrong))
    expect(await bringing.finish()).toBeUndefined()
    bringing.end()
  })
})

test('what an origin brings is right although the thread that hashes it ends meanwhile', async () => {
  const digester = threadDigester()
  await using lab = await world(digester)
  const bringing = await lab.begin()
  const part = bringing.part({ start: 0, end: length })
  await part.take(body(0, 1_000_001)).catch(() => undefined)
  await digester.stop()
  await part.take(body(1_000_001, length))
  expect(await bringing.finish()).toMatchObject({ digest: content.digest })
  bringing.end()
  expect(Buffer.compare((await lab.store.sidecar(content.digest, 'pieces'))!, records)).toBe(0)
})
