import { describe, expect, test } from '@jest/globals'
import { putBlob, randomContent } from '../../kit/store-fixture.ts'
import { CAPACITY, type StoreWorld } from './store-world.ts'

/** What every store promises for upkeep: scrub, repair and hand-over. */
export function upkeepRules(world: StoreWorld): void {
  describe('upkeep', () => {
    const large = (seed: number) => randomContent(CAPACITY * 0.5, seed)
    const holdsOf = (digest: string) => world.store.inspect().find((blob) => blob.digest === digest)?.holds

    test('a pinned blob is not evicted, also after a restart, until it is unpinned', async () => {
      const [pinned, other] = [large(1), large(2)]
      await putBlob(world.store, pinned)
      await world.store.pin(pinned.digest, true)
      await world.store.pin(pinned.digest, true)
      await world.restart()
      expect(holdsOf(pinned.digest)).toEqual(['pinned'])
      await expect(putBlob(world.store, randomContent(CAPACITY * 0.6, 3))).rejects.toMatchObject({ code: 'STORE_FULL' })
      expect(await world.store.stat(pinned.digest)).toBeDefined()
      await world.store.pin(pinned.digest, false)
      await world.store.pin(pinned.digest, false)
      await putBlob(world.store, other)
      expect(await world.store.stat(pinned.digest)).toBeUndefined()
    })

    test('a pin is removed with its blob, and an absent blob cannot be pinned', async () => {
      const content = randomContent(100)
      await expect(world.store.pin(content.digest, true)).rejects.toMatchObject({ code: 'BLOB_UNKNOWN' })
      await putBlob(world.store, content)
      await world.store.pin(content.digest, true)
      await world.store.delete(content.digest)
      await putBlob(world.store, content)
      expect(holdsOf(content.digest)).toEqual([])
      await world.restart()
      expect(holdsOf(content.digest)).toEqual([])
    })

    test('says what keeps each blob, in the order of the digests', async () => {
      const contents = [1, 2, 3, 4].map((seed) => randomContent(100, seed))
      for (const content of contents) await putBlob(world.store, content)
      const [leased, read] = [contents[0]!.digest, contents[1]!.digest]
      const release = world.store.lease(leased)
      const stream = await world.store.open(read)
      const inspected = world.store.inspect()
      expect(inspected.map(({ digest }) => digest)).toEqual(contents.map(({ digest }) => digest).sort())
      expect(holdsOf(leased)).toEqual(['leased'])
      expect(holdsOf(read)).toEqual(['in use'])
      expect(holdsOf(contents[2]!.digest)).toEqual([])
      release()
      stream.destroy()
    })

    test('an inspection does not count as a use, and reads the blob', async () => {
      const content = randomContent(3000)
      await putBlob(world.store, content)
      const before = await world.store.stat(content.digest)
      await world.clock.advance(5000)
      const bytes = await world.store.peek(content.digest, { start: 5, end: 2000 })
      expect(Buffer.compare(bytes, content.bytes.subarray(5, 2000))).toBe(0)
      expect(await world.store.stat(content.digest)).toEqual(before)
      const { digest } = randomContent(1)
      await expect(world.store.peek(digest, { start: 0, end: 1 })).rejects.toMatchObject({ code: 'BLOB_UNKNOWN' })
    })

    test('the time of the last verification is kept, whatever is noted afterwards', async () => {
      const content = randomContent(100)
      await putBlob(world.store, content)
      const verified = () => world.store.inspect()[0]?.verifiedAtMs
      expect(verified()).toBe(world.clock.now())
      await world.clock.advance(5000)
      const atMs = world.clock.now()
      await world.store.noteVerified(content.digest)
      await world.clock.advance(5000)
      await world.store.putSidecar(content.digest, 'label', Buffer.from('noted'))
      expect(verified()).toBe(atMs)
      await world.restart()
      expect(verified()).toBe(atMs)
      expect(Buffer.from((await world.store.sidecar(content.digest, 'label')) ?? [])).toEqual(Buffer.from('noted'))
      await expect(world.store.noteVerified(randomContent(1).digest)).rejects.toMatchObject({ code: 'BLOB_UNKNOWN' })
    })

    test('a verification may be noted of a blob without a label, and adds no label', async () => {
      const content = randomContent(100)
      await putBlob(world.store, content)
      await world.store.noteVerified(content.digest)
      await world.restart()
      expect(world.store.inspect()[0]?.verifiedAtMs).toBe(world.clock.now())
      expect((await world.store.sidecar(content.digest, 'label'))?.length ?? 0).toBe(0)
    })

    test('what may be evicted can be asked of others, whose failure is a no', async () => {
      const asked: string[] = []
      const [kept, unsure, loose] = [1, 2, 3].map((seed) => randomContent(CAPACITY * 0.25, seed))
      const evictable = async (digest: string) => {
        asked.push(digest)
        if (digest === unsure!.digest) throw new Error('nobody knows')
        return digest !== kept!.digest
      }
      await world.remake({ evictable })
      for (const content of [kept!, unsure!, loose!]) {
        await world.clock.advance(1000)
        await putBlob(world.store, content)
      }
      await putBlob(world.store, randomContent(CAPACITY * 0.25, 4))
      const left = (await world.store.list()).map(({ digest }) => digest)
      expect([kept, unsure, loose].map((content) => left.includes(content!.digest))).toEqual([true, true, false])
      expect(asked).toEqual([kept!.digest, unsure!.digest, loose!.digest])
    })
  })
}
