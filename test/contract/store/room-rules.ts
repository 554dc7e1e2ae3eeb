import { describe, expect, test } from '@jest/globals'
import { chunksOf, contentOf, putBlob, randomContent, writePieces } from '../../kit/store-fixture.ts'
import { CAPACITY, type StoreWorld } from './store-world.ts'

/** What every store promises when space becomes scarce. */
export function roomRules(world: StoreWorld): void {
  describe('room', () => {
    const tenth = (seed: number) => randomContent(CAPACITY / 10, seed)

    test('is made by evicting the least recently used, down to the low watermark', async () => {
      const contents = Array.from({ length: 9 }, (_, seed) => tenth(seed))
      for (const content of contents) {
        await world.clock.advance(1000)
        await putBlob(world.store, content)
      }
      await world.clock.advance(1000)
      await world.store.readAt(contents[0]!.digest, { start: 0, end: 1 })
      await putBlob(world.store, tenth(100))
      const left = new Set((await world.store.list()).map(({ digest }) => digest))
      expect(left.has(contents[0]!.digest)).toBe(true)
      expect([1, 2].map((i) => left.has(contents[i]!.digest))).toEqual([false, false])
      expect(world.store.usedBytes).toBe((CAPACITY / 10) * 8)
      expect(world.metrics.value('shoal_store_evictions_total', { kind: 'blob' })).toBe(2)
      expect(world.metrics.value('shoal_store_used_bytes')).toBe(world.store.usedBytes)
      expect(world.metrics.value('shoal_store_blobs')).toBe(8)
      expect(world.metrics.value('shoal_store_capacity_bytes')).toBe(CAPACITY)
    })

    test('is never made by evicting a blob that is leased, in use or forbidden', async () => {
      const leased = randomContent(CAPACITY / 5, 1)
      const [read, forbidden, loose] = [tenth(2), tenth(3), tenth(4)]
      for (const content of [leased, read, forbidden, loose]) await putBlob(world.store, content)
      const release = world.store.lease(leased.digest)
      const stream = await world.store.open(read.digest)
      world.evictable.set(forbidden.digest, false)
      await putBlob(world.store, randomContent(Math.ceil(CAPACITY * 0.41), 50))
      const left = (await world.store.list()).map(({ digest }) => digest)
      for (const content of [leased, read, forbidden]) expect(left).toContain(content.digest)
      expect(left).not.toContain(loose.digest)
      release()
      release()
      stream.destroy()
    })

    test('comes from idle partials only when no blob is left', async () => {
      const idle = randomContent(CAPACITY / 10, 1)
      const waited = randomContent(CAPACITY / 10, 2)
      const one = await world.store.openPartial(idle.digest, idle.map)
      const two = await world.store.openPartial(waited.digest, waited.map)
      await writePieces(one, idle, [0, 1, 2, 3, 4])
      await writePieces(two, waited, [0, 1, 2, 3, 4])
      const controller = new AbortController()
      const wait = two.whenVerified(9, { signal: controller.signal })
      const given = expect(wait).rejects.toMatchObject({ code: 'ABORTED' })
      const release = world.store.lease(randomContent(CAPACITY * 0.82, 3).digest)
      await putBlob(world.store, randomContent(CAPACITY * 0.82, 3))
      expect((await world.store.partials()).map(({ digest }) => digest)).toEqual([waited.digest])
      expect(world.metrics.value('shoal_store_evictions_total', { kind: 'partial' })).toBe(1)
      await expect(writePieces(one, idle, [0])).rejects.toMatchObject({ code: 'STORE_FULL' })
      controller.abort()
      await given
      release()
    })

    test('from partials of an earlier run counts, too', async () => {
      const content = randomContent(CAPACITY / 2, 1)
      await writePieces(await world.store.openPartial(content.digest, content.map), content)
      await world.restart()
      await putBlob(world.store, randomContent(CAPACITY * 0.6, 2))
      expect(await world.store.partials()).toEqual([])
      expect(world.store.usedBytes).toBe(CAPACITY * 0.6)
    })

    test('that cannot be made is STORE_FULL, and nothing is lost', async () => {
      const content = randomContent(CAPACITY * 0.7, 1)
      await putBlob(world.store, content)
      const release = world.store.lease(content.digest)
      const large = randomContent(CAPACITY / 2, 2, CAPACITY / 2)
      const partial = await world.store.openPartial(large.digest, large.map)
      const full = { code: 'STORE_FULL' }
      await expect(writePieces(partial, large)).rejects.toMatchObject(full)
      expect(partial.have.count).toBe(0)
      const upload = await world.store.createUpload()
      await expect(upload.append(chunksOf(large.bytes), { offset: 0 })).rejects.toMatchObject(full)
      expect(upload.size).toBe(0)
      expect(world.store.usedBytes).toBe(CAPACITY * 0.7)
      release()
      await upload.append(chunksOf(large.bytes), { offset: 0 })
      await upload.commit(large.digest)
      expect(await world.store.stat(content.digest)).toBeUndefined()
    })

    test('is kept by a lease from the partial to the blob it becomes', async () => {
      const content = randomContent(CAPACITY / 5, 1)
      const partial = await world.store.openPartial(content.digest, content.map)
      const release = partial.lease()
      await writePieces(partial, content)
      await partial.complete()
      await putBlob(world.store, randomContent(CAPACITY * 0.78, 2))
      expect(await world.store.stat(content.digest)).toBeDefined()
      release()
      await putBlob(world.store, contentOf(Uint8Array.of(1)))
      expect(await world.store.stat(content.digest)).toBeUndefined()
    })
  })
}
