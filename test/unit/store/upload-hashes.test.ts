import { describe, expect, test } from '@jest/globals'
import { appError, fakeClock, seededRandom } from '../../../lib/base/index.ts'
import { digestOf, PieceMap } from '../../../lib/core/index.ts'
import { blockHashing, inlineDigester, type PieceDigester, threadDigester } from '../../../lib/metainfo/index.ts'
import { contentStore } from '../../../lib/store/content-store.ts'
import type { ManagedStore } from '../../../lib/store/index.ts'
import { memoryMedium } from '../../../lib/store/memory/memory-medium.ts'
import { silentLogger } from '../../../lib/telemetry/index.ts'
import { pieceHashes } from '../../../services/origin/bring/piece-hashes.ts'
import { type CountingMedium, countingMedium } from '../../kit/counting-medium.ts'
import { type Content, chunksOf, contentOf, putBlob, randomContent, readBlob } from '../../kit/store-fixture.ts'

const KIB = 1024
const MIB = 1024 * KIB

async function countingStore(digester: PieceDigester = inlineDigester()) {
  const counting: CountingMedium = countingMedium(memoryMedium())
  const parts = { clock: fakeClock(), random: seededRandom(1), logger: silentLogger() }
  const hashing = blockHashing(digester)
  const store = contentStore({ ...parts, hashing }, { capacityBytes: 1e9 }, counting.medium)
  await store.start()
  return { store, reads: counting.reads }
}

/** The hashes of the pieces as the origin gives them to whoever pulls. */
const recordsOf = async (store: ManagedStore, content: Pick<Content, 'digest'>) =>
  Buffer.from(await pieceHashes(store).of((await store.stat(content.digest))!))

function rightRecords({ bytes }: Pick<Content, 'bytes'>): Buffer {
  const right = contentOf(bytes, new PieceMap(bytes.length).pieceLength)
  return Buffer.concat(Array.from({ length: right.map.count }, (_, piece) => right.hash(piece)))
}

const none = { blobs: 0, partials: 0, uploads: 0 }

describe('a pushed blob', () => {
  test.each([0, 1, 256 * KIB - 1, 256 * KIB, 256 * KIB + 1, 3 * MIB + 5])(
    'of %d bytes has the hashes of its pieces without a single read of its bytes, until somebody pulls it',
    async (length) => {
      const { store, reads } = await countingStore()
      const content = randomContent(length, 5)
      await putBlob(store, content)
      expect(Buffer.compare(await recordsOf(store, content), rightRecords(content))).toBe(0)
      expect(reads).toEqual(none)
      await readBlob(store, content.digest)
      expect(reads.blobs > 0).toBe(length > 0)
    },
  )

  test('that came in parts, one of which broke off, is not read either', async () => {
    const { store, reads } = await countingStore()
    const content = randomContent(2 * MIB + 7, 6)
    const upload = await store.createUpload()
    const cut = appError('PEER_CLOSED')
    const first = chunksOf(content.bytes.subarray(0, 700 * KIB + 1), cut)
    await expect(upload.append(first, { offset: 0 })).rejects.toBe(cut)
    await upload.append(chunksOf(content.bytes.subarray(upload.size, MIB)), { offset: upload.size })
    await upload.append(chunksOf(content.bytes.subarray(MIB)), { offset: MIB })
    await upload.commit(content.digest)
    expect(Buffer.compare(await recordsOf(store, content), rightRecords(content))).toBe(0)
    expect(reads).toEqual(none)
  })

  test('that has a sha512 is read for that once, however often its digest is asked', async () => {
    const { store, reads } = await countingStore()
    const { bytes } = randomContent(MIB, 7)
    const digest = digestOf(bytes, 'sha512')
    const upload = await store.createUpload()
    await upload.append(chunksOf(bytes), { offset: 0 })
    expect(await upload.digest('sha512')).toBe(digest)
    await upload.commit(digest)
    expect(Buffer.compare(await recordsOf(store, { digest }), rightRecords({ bytes }))).toBe(0)
    expect(reads).toEqual({ ...none, uploads: 1 })
  })

  test('of which a part came before a restart has the hashes all the same; that part is read once', async () => {
    const { store, reads } = await countingStore()
    const content = randomContent(2 * MIB + 7, 8)
    const { id, append } = await begun(store, content.bytes.subarray(0, MIB))
    await append
    await store.stop()
    await store.start()
    const again = await store.upload(id)
    await again.append(chunksOf(content.bytes.subarray(MIB)), { offset: MIB })
    await again.commit(content.digest)
    expect(Buffer.compare(await recordsOf(store, content), rightRecords(content))).toBe(0)
    expect(reads).toEqual({ ...none, uploads: 1 })
  })

  test('whose size was not what its sender had promised gets the hashes when they are asked for', async () => {
    const { store } = await countingStore()
    const content = randomContent(MIB, 9)
    const upload = await store.createUpload()
    await upload.append(chunksOf(content.bytes), { offset: 0, total: { least: 100 * MIB } })
    await upload.commit(content.digest)
    expect(await store.sidecar(content.digest, 'pieces')).toBeUndefined()
    expect(Buffer.compare(await recordsOf(store, content), rightRecords(content))).toBe(0)
  })

  test('is taken in although the thread that hashes it ends meanwhile', async () => {
    const digester = threadDigester()
    await digester.start()
    const { store } = await countingStore(digester)
    const content = randomContent(2 * MIB + 7, 10)
    const { id, append } = await begun(store, content.bytes.subarray(0, MIB))
    await append
    await digester.stop()
    const upload = await store.upload(id)
    await upload.append(chunksOf(content.bytes.subarray(MIB)), { offset: MIB })
    await upload.commit(content.digest)
    expect(Buffer.compare(await readBlob(store, content.digest), content.bytes)).toBe(0)
    expect(Buffer.compare(await recordsOf(store, content), rightRecords(content))).toBe(0)
  })
})

async function begun(store: ManagedStore, bytes: Uint8Array) {
  const upload = await store.createUpload()
  return { id: upload.id, append: upload.append(chunksOf(bytes), { offset: 0 }) }
}
