import { Bitset } from '../../lib/base/index.ts'
import type { PeerConnection } from '../../lib/swarm/peer/index.ts'
import { fetchBlock } from './fetch-block.ts'
import type { BlobFixture } from './metainfo-fixture.ts'
import { recorder, serving } from './peer-pair.ts'

/** Bytes of one request. */
const BLOCK = 131_072

/** Fetches every block of the blob, all of them asked for at once; `from` serves them. */
export async function fetchWhole(to: PeerConnection, from: PeerConnection, blob: BlobFixture): Promise<Uint8Array> {
  const events = recorder()
  to.attach(events)
  from.attach(serving(() => from, blob))
  from.sendBitfield(Bitset.full(blob.map.count))
  from.sendChoke(false)
  await events.until('unchoke')
  const whole = Buffer.alloc(blob.header.length)
  const requests: Promise<void>[] = []
  for (let piece = 0; piece < blob.map.count; piece += 1) {
    const { start } = blob.map.rangeOf(piece)
    for (let offset = 0; offset < blob.map.sizeOf(piece); offset += BLOCK) {
      const length = Math.min(BLOCK, blob.map.sizeOf(piece) - offset)
      requests.push(fetchBlock(to, { piece, offset, length }, whole.subarray(start + offset, start + offset + length)))
    }
  }
  await Promise.all(requests)
  return whole
}
