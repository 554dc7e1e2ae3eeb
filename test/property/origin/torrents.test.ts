import { createHash } from 'node:crypto'
import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { fakeClock, seededRandom } from '../../../lib/base/index.ts'
import { digestHex, PieceMap, parseRepository } from '../../../lib/core/index.ts'
import { memoryStore } from '../../../lib/store/index.ts'
import { silentLogger } from '../../../lib/telemetry/index.ts'
import { pieceHashes } from '../../../services/origin/bring/piece-hashes.ts'
import { torrents } from '../../../services/origin/torrents/torrents.ts'
import { clusterOf, someMembers } from '../../kit/cluster.ts'
import { putBlob, randomContent } from '../../kit/store-fixture.ts'

const bytesOf = (text: string) => `${Buffer.byteLength(text)}:${text}`
const sha1 = (bytes: Uint8Array) => createHash('sha1').update(bytes).digest()

/** The info dictionary of these bytes, written by hand as BEP 3 has it: keys in order, one SHA-1 for each piece. */
function infoByHand(bytes: Uint8Array, name: string): Buffer {
  const { pieceLength } = new PieceMap(bytes.length)
  const pieces: Buffer[] = []
  for (let at = 0; at < bytes.length; at += pieceLength) pieces.push(sha1(bytes.subarray(at, at + pieceLength)))
  const hashes = Buffer.concat(pieces)
  return Buffer.concat([
    Buffer.from(
      `d6:lengthi${bytes.length}e4:name${bytesOf(name)}12:piece lengthi${pieceLength}e6:pieces${hashes.length}:`,
    ),
    hashes,
    Buffer.from('7:privatei1ee'),
  ])
}

describe('the torrent of a blob', () => {
  test('says what its bytes say, and names the trackers in the order of the ring', async () => {
    const size = fc.oneof(
      fc.integer({ min: 64 * 1024 + 1, max: 2_000_000 }),
      fc.constantFrom(262_144, 262_145, 524_288),
    )
    await fc.assert(
      fc.asyncProperty(size, fc.integer({ min: 1, max: 1000 }), async (length, seed) => {
        const content = randomContent(length, seed)
        const store = memoryStore(
          { clock: fakeClock(), random: seededRandom(1), logger: silentLogger() },
          { capacityBytes: 1e8 },
        )
        await store.start()
        const stored = await putBlob(store, content)
        const trackers = clusterOf(someMembers(2))
        const hashes = pieceHashes(store, 'torrent')
        const made = torrents({ store, ingest: { ensure: async () => stored }, hashes, trackers })
        const { digest } = content
        const file = Buffer.from(await made.file({ digest, repository: parseRepository('any/name') }, { hop: false }))
        const info = infoByHand(content.bytes, digestHex(digest))
        const urls = trackers.candidates(digestHex(digest).slice(0, 40)).map(({ url }) => `${url}/announce/${digest}`)
        const tiers = urls.map((url) => `l${bytesOf(url)}e`).join('')
        const head = `d8:announce${bytesOf(urls[0] ?? '')}13:announce-listl${tiers}e4:info`
        expect(file.equals(Buffer.concat([Buffer.from(head), info, Buffer.from('e')]))).toBe(true)
        expect(await made.facts(digest)).toEqual({ digest, infoHash: sha1(info).toString('hex'), size: length })
      }),
      { seed: 20261128, numRuns: 25 },
    )
  })
})
