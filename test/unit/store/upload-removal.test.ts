import { expect, test } from '@jest/globals'
import { fakeClock, seededRandom } from '../../../lib/base/index.ts'
import { blockHashing, inlineDigester } from '../../../lib/metainfo/index.ts'
import { contentStore } from '../../../lib/store/content-store.ts'
import { memoryMedium } from '../../../lib/store/memory/memory-medium.ts'
import { silentLogger } from '../../../lib/telemetry/index.ts'
import { chunksOf } from '../../kit/store-fixture.ts'

test('an upload whose removal failed can be removed later, and is used by nobody until then', async () => {
  const clock = fakeClock()
  const inner = memoryMedium()
  let failures = 1
  const remove = async (id: string) => {
    failures -= 1
    if (failures >= 0) throw Object.assign(new Error('busy'), { code: 'EBUSY' })
    await inner.uploads.remove(id)
  }
  const medium = { ...inner, uploads: { ...inner.uploads, remove } }
  const parts = { clock, random: seededRandom(1), logger: silentLogger(), hashing: blockHashing(inlineDigester()) }
  const store = contentStore(parts, { capacityBytes: 1_000_000 }, medium)
  await store.start()
  try {
    const upload = await store.createUpload()
    await upload.append(chunksOf(Buffer.from('some')), { offset: 0 })
    await clock.advance(20_000)
    await expect(store.evictUpload(upload.id)).rejects.toMatchObject({ code: 'EBUSY' })
    expect(await store.evictUpload(upload.id)).toBe(true)
    expect([store.openUploads(), store.usedBytes]).toEqual([[], 0])
    await expect(store.upload(upload.id)).rejects.toMatchObject({ code: 'BLOB_UPLOAD_UNKNOWN' })
  } finally {
    await store.stop()
  }
})
