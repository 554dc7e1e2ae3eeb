import { buffer } from 'node:stream/consumers'
import { describe, expect, test } from '@jest/globals'
import { putBlob, randomContent, readBlob } from '../../kit/store-fixture.ts'
import type { StoreWorld } from './store-world.ts'

/** What every store promises about complete blobs. */
export function completeBlobRules(world: StoreWorld): void {
  describe('complete blobs', () => {
    test('are unknown until they are complete', async () => {
      const { digest } = randomContent(10)
      const unknown = { code: 'BLOB_UNKNOWN' }
      expect(await world.store.stat(digest)).toBeUndefined()
      expect(await world.store.sidecar(digest, 'pieces')).toBeUndefined()
      await expect(world.store.open(digest)).rejects.toMatchObject(unknown)
      await expect(world.store.readAt(digest, { start: 0, end: 1 })).rejects.toMatchObject(unknown)
      await expect(world.store.putSidecar(digest, 'pieces', new Uint8Array(1))).rejects.toMatchObject(unknown)
      await world.store.delete(digest)
    })

    test('are read whole, by range and at random', async () => {
      const content = randomContent(9000)
      await putBlob(world.store, content)
      for (const range of [
        { start: 0, end: 9000 },
        { start: 17, end: 18 },
        { start: 5000, end: 9000 },
      ]) {
        const expected = content.bytes.subarray(range.start, range.end)
        expect(Buffer.compare(await readBlob(world.store, content.digest, range), expected)).toBe(0)
        expect(Buffer.compare(await world.store.readAt(content.digest, range), expected)).toBe(0)
        const into = Buffer.alloc(expected.length)
        expect(await world.store.readAt(content.digest, range, into)).toBe(into)
        expect(Buffer.compare(into, expected)).toBe(0)
      }
    })

    test('refuse a range outside of them', async () => {
      const content = randomContent(100)
      await putBlob(world.store, content)
      for (const range of [
        { start: 0, end: 101 },
        { start: -1, end: 5 },
        { start: 60, end: 50 },
      ]) {
        const refused = { code: 'RANGE_UNSATISFIABLE' }
        await expect(world.store.open(content.digest, { range })).rejects.toMatchObject(refused)
        await expect(world.store.readAt(content.digest, range)).rejects.toMatchObject(refused)
      }
    })

    test('go on being read after they were deleted', async () => {
      const content = randomContent(9000)
      await putBlob(world.store, content)
      await world.store.putSidecar(content.digest, 'pieces', new Uint8Array(32))
      const stream = await world.store.open(content.digest)
      await world.store.delete(content.digest)
      expect(await world.store.stat(content.digest)).toBeUndefined()
      expect(Buffer.compare(await buffer(stream), content.bytes)).toBe(0)
      expect(world.store.usedBytes).toBe(0)
      await world.store.delete(content.digest)
    })

    test('stop being read when the signal fires', async () => {
      const content = randomContent(100)
      await putBlob(world.store, content)
      const controller = new AbortController()
      const stream = await world.store.open(content.digest, { signal: controller.signal })
      const read = expect(buffer(stream)).rejects.toMatchObject({ name: 'AbortError' })
      controller.abort()
      await read
    })

    test('survive a restart with their size, sidecar and time of use', async () => {
      const content = randomContent(3000)
      await putBlob(world.store, content)
      const usedAtMs = world.clock.now()
      await world.store.putSidecar(content.digest, 'pieces', Uint8Array.of(1, 2, 3))
      await world.restart()
      expect(await world.store.list()).toEqual([{ digest: content.digest, size: 3000, usedAtMs }])
      expect(await world.store.sidecar(content.digest, 'pieces')).toEqual(Buffer.of(1, 2, 3))
      expect(world.store.usedBytes).toBe(3000)
    })

    test('keep each sidecar under its own name, also after a restart', async () => {
      const content = randomContent(100)
      await putBlob(world.store, content)
      const names = ['pieces', 'descriptor', 'label'] as const
      const all = () => Promise.all(names.map(async (name) => (await world.store.sidecar(content.digest, name))?.[0]))
      const fresh = [content.hash(0)[0], undefined, undefined]
      expect(await all()).toEqual(fresh)
      for (const [at, name] of names.entries()) await world.store.putSidecar(content.digest, name, Uint8Array.of(at))
      expect(await all()).toEqual([0, 1, 2])
      await world.restart()
      expect(await all()).toEqual([0, 1, 2])
      await world.store.putSidecar(content.digest, 'descriptor', Uint8Array.of(7))
      expect(await all()).toEqual([0, 7, 2])
      await world.store.delete(content.digest)
      await putBlob(world.store, content)
      expect(await all()).toEqual(fresh)
    })

    test('are removed together with their sidecar', async () => {
      const content = randomContent(100)
      await putBlob(world.store, content)
      await world.store.putSidecar(content.digest, 'label', Uint8Array.of(1))
      await world.store.delete(content.digest)
      expect(await world.store.sidecar(content.digest, 'pieces')).toBeUndefined()
      await putBlob(world.store, content)
      expect(await world.store.sidecar(content.digest, 'label')).toBeUndefined()
    })
  })
}
