import { describe, expect, test } from '@jest/globals'
import { type FakeClock, fakeClock, seededRandom } from '../../../lib/base/index.ts'
import { type ManagedStore, memoryStore } from '../../../lib/store/index.ts'
import { recordingMetrics, silentLogger } from '../../../lib/telemetry/index.ts'
import { type UploadQuotaInit, uploadQuota, uploadRefusals } from '../../../services/origin/push/upload-quota.ts'
import { chunksOf } from '../../kit/store-fixture.ts'

const MIB = 1024 * 1024
const full = (limit: string) => ({ code: 'UPLOADS_FULL', detail: { limit } })

/** A quota of four uploads and 10 MiB, of which one client gets half, over a store with room for anything. */
async function quotaLab(init: Partial<UploadQuotaInit> = {}) {
  const clock: FakeClock = fakeClock()
  const metrics = recordingMetrics()
  const store: ManagedStore = memoryStore(
    { clock, random: seededRandom(5), logger: silentLogger() },
    { capacityBytes: 1000 * MIB, minFreeBytes: 0 },
  )
  await store.start()
  const limits = { maxUploads: 4, maxBytes: 10 * MIB, clientShare: 0.5, ...init }
  const quota = uploadQuota({ store, refused: uploadRefusals(metrics) }, limits)
  const open = (client: string) => quota.open(client, () => store.createUpload())
  const send = async (client: string, bytes: number) => {
    const upload = await open(client)
    const source = chunksOf(...Array.from({ length: bytes / MIB }, () => new Uint8Array(MIB)))
    await upload.append(quota.limited(upload.id, source), { offset: 0 })
    return upload
  }
  return { clock, metrics, store, quota, open, send }
}

describe('uploads', () => {
  test('of one client that has its share are refused, those of others are not', async () => {
    const { open, metrics } = await quotaLab()
    for (let i = 0; i < 2; i += 1) await open('a')
    await expect(open('a')).rejects.toMatchObject(full('client_number'))
    for (let i = 0; i < 2; i += 1) await open('b')
    await expect(open('c')).rejects.toMatchObject(full('number'))
    expect(metrics.value('shoal_uploads_refused_total', { limit: 'client_number' })).toBe(1)
    expect(metrics.value('shoal_uploads_refused_total', { limit: 'number' })).toBe(1)
  })

  test('that say that they will be larger than may ever fit are refused before a byte is read', async () => {
    const { quota, open, metrics } = await quotaLab()
    const { id } = await open('a')
    expect(() => quota.assertPossible(id, 5 * MIB)).not.toThrow()
    for (const bytes of [5 * MIB + 1, 2 ** 40]) {
      expect(() => quota.assertPossible(id, bytes)).toThrow(expect.objectContaining({ code: 'STORE_FULL' }))
    }
    expect(() => quota.assertPossible('unknown since a restart', 10 * MIB)).not.toThrow()
    expect(metrics.value('shoal_uploads_refused_total', { limit: 'bytes' })).toBe(2)
  })

  test('that are opened at the same time do not slip past the limit', async () => {
    const { open, store } = await quotaLab()
    const results = await Promise.allSettled(Array.from({ length: 50 }, (_, i) => open(`client ${i}`)))
    expect(results.filter(({ status }) => status === 'fulfilled').length).toBeLessThanOrEqual(4)
    expect(store.openUploads().length).toBeLessThanOrEqual(4)
  })

  test('that nobody uses go first, those of the client itself where its share is reached', async () => {
    const { open, clock, store } = await quotaLab()
    const other = await open('b')
    const old = await open('a')
    await clock.advance(1000)
    const young = await open('a')
    await clock.advance(10_000)
    const third = await open('a')
    expect(store.openUploads().map(({ id }) => id)).toEqual([other.id, young.id, third.id])
    await expect(store.upload(old.id)).rejects.toMatchObject({ code: 'BLOB_UPLOAD_UNKNOWN' })
    await open('c')
    const last = await open('d')
    expect(store.openUploads().map(({ id }) => id)).toContain(last.id)
    await expect(store.upload(other.id)).rejects.toMatchObject({ code: 'BLOB_UPLOAD_UNKNOWN' })
  })

  test('beyond their bytes are refused, and make room for others at once', async () => {
    const { send, store, metrics } = await quotaLab()
    await send('a', 4 * MIB)
    await expect(send('a', 4 * MIB)).rejects.toMatchObject(full('client_bytes'))
    expect(store.openUploads().map(({ rest }) => rest)).toEqual(['used', 'abandoned'])
    await send('b', 4 * MIB)
    await expect(send('c', 5 * MIB)).rejects.toMatchObject(full('bytes'))
    expect(metrics.value('shoal_uploads_refused_total', { limit: 'client_bytes' })).toBe(1)
    expect(metrics.value('shoal_uploads_refused_total', { limit: 'bytes' })).toBe(1)
  })

  test('of an earlier run count, and belong to nobody', async () => {
    const { open, send, store, quota, clock } = await quotaLab({ clientShare: 1 })
    const kept = await send('a', 4 * MIB)
    await store.stop()
    await store.start()
    const again = uploadQuota(
      { store, refused: uploadRefusals(recordingMetrics()) },
      { maxUploads: 1, maxBytes: MIB, clientShare: 1 },
    )
    expect([quota.clientOf(kept.id), again.clientOf(kept.id)]).toEqual(['a', undefined])
    await expect(again.open('a', () => store.createUpload())).rejects.toMatchObject(full('number'))
    await clock.advance(10_000)
    await expect(again.open('a', () => store.createUpload())).resolves.toBeDefined()
    await expect(open('a')).resolves.toBeDefined()
  })
})
