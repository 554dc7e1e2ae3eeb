import { Readable } from 'node:stream'
import { describe, expect, test } from '@jest/globals'
import { fakeClock, seededRandom } from '../../../lib/base/index.ts'
import { PieceMap } from '../../../lib/core/index.ts'
import { type ManagedStore, memoryStore, type StoredBlob } from '../../../lib/store/index.ts'
import { silentLogger } from '../../../lib/telemetry/index.ts'
import { type HashedStore, pieceHashes } from '../../../services/origin/bring/piece-hashes.ts'
import { contentOf, putBlob, randomContent } from '../../kit/store-fixture.ts'

const content = randomContent(3_000_000, 21)

function versionOneHashes(): Buffer {
  const old = contentOf(content.bytes, 1024 * 1024)
  return Buffer.concat(Array.from({ length: old.map.count }, (_, piece) => old.hash(piece)))
}

async function startedStore(): Promise<ManagedStore> {
  const store = memoryStore(
    { clock: fakeClock(), random: seededRandom(1), logger: silentLogger() },
    { capacityBytes: 1e8 },
  )
  await store.start()
  return store
}

/** Stores the blob as an earlier version did, without the hashes of its pieces. */
async function putBare(store: ManagedStore): Promise<StoredBlob> {
  const stored = await putBlob(store, content)
  await store.putSidecar(content.digest, 'pieces', Buffer.of())
  return stored
}

describe('piece hashes of a blob at rest', () => {
  test('are computed once and kept beside the blob', async () => {
    const store = await startedStore()
    const stored = await putBare(store)
    const hashes = await pieceHashes(store).of(stored)
    const pieces = contentOf(content.bytes, new PieceMap(content.bytes.length).pieceLength)
    expect(Buffer.from(hashes)).toEqual(
      Buffer.concat(Array.from({ length: pieces.map.count }, (_, piece) => pieces.hash(piece))),
    )
    expect(await store.sidecar(content.digest, 'pieces')).toEqual(hashes)
  })

  test.each([
    [
      'something else lies in their place, as agents of earlier versions left it',
      Buffer.from(JSON.stringify({ mediaType: 'application/vnd.oci.image.manifest.v1+json', size: 3_000_000 })),
    ],
    ['the hashes are of pieces of 1 MiB, as protocol version 1 had them', versionOneHashes()],
  ])('are computed anew where %s', async (_, left) => {
    const store = await startedStore()
    const stored = await putBlob(store, content)
    const expected = await pieceHashes(store).of(stored)
    await store.putSidecar(content.digest, 'pieces', left)
    expect(Buffer.compare(await pieceHashes(store).of(stored), expected)).toBe(0)
    expect(await store.sidecar(content.digest, 'pieces')).toEqual(Buffer.from(expected))
  })

  test('are not given for bytes that rotted: the blob is removed instead', async () => {
    const store = await startedStore()
    const stored = await putBare(store)
    const rotten = Uint8Array.from(content.bytes)
    rotten[1_234_567] = (rotten[1_234_567] ?? 0) ^ 1
    const reading: HashedStore = {
      open: async () => Readable.from([rotten]),
      delete: (digest) => store.delete(digest),
      sidecar: (digest, name) => store.sidecar(digest, name),
      putSidecar: (digest, name, bytes) => store.putSidecar(digest, name, bytes),
    }
    await expect(pieceHashes(reading).of(stored)).rejects.toMatchObject({ code: 'STORE_CORRUPT' })
    expect(await store.stat(content.digest)).toBeUndefined()
  })
})
