import { describe, expect, test } from '@jest/globals'
import { deferred } from '../../../lib/base/index.ts'
import { chunksOf, putBlob, randomContent } from '../../kit/store-fixture.ts'
import { CAPACITY, type StoreWorld } from './store-world.ts'

/** What every store promises about uploads when space becomes scarce. */
export function uploadRoomRules(world: StoreWorld): void {
  const MINUTE_MS = 60_000
  const received = async (share: number, seed: number) => {
    const upload = await world.store.createUpload()
    await upload.append(chunksOf(randomContent(Math.floor(CAPACITY * share), seed).bytes), { offset: 0 })
    return upload
  }
  const open = () =>
    world.store
      .openUploads()
      .filter(({ size }) => size > 0)
      .map(({ id, rest }) => [id, rest])
  const unknown = { code: 'BLOB_UPLOAD_UNKNOWN' }

  describe('room that uploads take', () => {
    test('is given back at once by the one that found no room', async () => {
      const upload = await received(0.95, 1)
      const rest = chunksOf(randomContent(CAPACITY * 0.1, 2).bytes)
      await expect(upload.append(rest, { offset: upload.size })).rejects.toMatchObject({ code: 'STORE_FULL' })
      expect(open()).toEqual([[upload.id, 'abandoned']])
      expect(world.store.trouble).toBeUndefined()
      await putBlob(world.store, randomContent(CAPACITY * 0.7, 7))
      expect(open()).toEqual([])
      await expect(upload.append(chunksOf(), { offset: upload.size })).rejects.toMatchObject(unknown)
      expect(world.metrics.value('shoal_store_evictions_total', { kind: 'upload' })).toBe(1)
      expect(world.metrics.value('shoal_store_uploads')).toBe(0)
    })

    test('goes to others when nobody has used them for minutes, before a blob goes', async () => {
      const blob = randomContent(CAPACITY * 0.3, 1)
      await putBlob(world.store, blob)
      const [old, fresh] = [await received(0.3, 2), await received(0.2, 3)]
      await world.clock.advance(4 * MINUTE_MS)
      await fresh.append(chunksOf(Uint8Array.of(1)), { offset: fresh.size })
      await world.clock.advance(MINUTE_MS)
      expect(open()).toEqual([
        [old.id, 'abandoned'],
        [fresh.id, 'quiet'],
      ])
      await putBlob(world.store, randomContent(CAPACITY * 0.2, 4))
      expect(open()).toEqual([[fresh.id, 'quiet']])
      expect(await world.store.stat(blob.digest)).toBeDefined()
    })

    test('goes to others, the oldest first, before a push is refused', async () => {
      const first = await received(0.4, 1)
      await world.clock.advance(1000)
      const second = await received(0.4, 2)
      await expect(putBlob(world.store, randomContent(CAPACITY * 0.3, 3))).rejects.toMatchObject({ code: 'STORE_FULL' })
      expect(world.store.trouble).toBeUndefined()
      await world.clock.advance(10_000)
      await putBlob(world.store, randomContent(CAPACITY * 0.3, 3))
      expect(open().map(([id]) => id)).toEqual([second.id])
      await expect(first.digest('sha256')).rejects.toMatchObject(unknown)
    })

    test('is kept while they are written, read or leased', async () => {
      const [leased, read] = [await received(0.3, 1), await received(0.3, 2)]
      const release = leased.lease()
      const stream = read.read()
      const written = await received(0.2, 3)
      const more = deferred()
      const append = written.append(
        (async function* () {
          await more.promise
          yield Uint8Array.of(1)
        })(),
        { offset: written.size },
      )
      await world.clock.advance(60 * MINUTE_MS)
      expect(open().map(([, rest]) => rest)).toEqual(['used', 'used', 'used'])
      await expect(putBlob(world.store, randomContent(CAPACITY * 0.3, 4))).rejects.toMatchObject({ code: 'STORE_FULL' })
      expect([leased, read, written].every(({ id }) => open().some(([each]) => each === id))).toBe(true)
      more.resolve()
      await append
      release()
      release()
      stream.destroy()
    })

    test('that nothing can give back is told, until there is room again', async () => {
      const uploads = [await received(0.5, 1), await received(0.45, 2)]
      const releases = uploads.map((each) => each.lease())
      const big = randomContent(CAPACITY * 0.2, 3)
      await expect(putBlob(world.store, big)).rejects.toMatchObject({ code: 'STORE_FULL' })
      for (const { id, size } of world.store.openUploads()) if (size === 0) await world.store.evictUpload(id)
      await putBlob(world.store, randomContent(10, 4))
      expect(world.store.trouble).toMatch(/writes are refused/)
      releases.map((release) => release())
      await uploads[0]?.abort()
      expect(world.store.trouble).toBeUndefined()
    })
  })
}
