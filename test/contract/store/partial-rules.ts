import { describe, expect, test } from '@jest/globals'
import { appError } from '../../../lib/base/index.ts'
import { PieceMap } from '../../../lib/core/index.ts'
import { putBlob, randomContent, readBlob, writePieces } from '../../kit/store-fixture.ts'
import { KIB, type StoreWorld } from './store-world.ts'

/** What every store promises about partial blobs. */
export function partialBlobRules(world: StoreWorld): void {
  describe('partial blobs', () => {
    test('take pieces in any order and become the blob', async () => {
      const content = randomContent(5 * KIB + 1)
      const partial = await world.store.openPartial(content.digest, content.map)
      await writePieces(partial, content, [5, 0, 3])
      expect([...partial.have]).toEqual([0, 3, 5])
      expect(world.store.usedBytes).toBe(2 * KIB + 1)
      expect(Buffer.compare(await partial.read({ start: 3 * KIB, end: 4 * KIB }), content.piece(3))).toBe(0)
      const into = Buffer.alloc(KIB)
      expect(await partial.read({ start: 3 * KIB, end: 4 * KIB }, into)).toBe(into)
      expect(Buffer.compare(into, content.piece(3))).toBe(0)
      await expect(partial.complete()).rejects.toMatchObject({ code: 'STORE_CORRUPT' })
      await writePieces(partial, content)
      expect(await partial.complete()).toMatchObject({ digest: content.digest, size: 5 * KIB + 1 })
      expect(await world.store.partials()).toEqual([])
      expect(world.store.usedBytes).toBe(5 * KIB + 1)
      expect(Buffer.compare(await readBlob(world.store, content.digest), content.bytes)).toBe(0)
    })

    test('are the same object while they are open', async () => {
      const { digest, map } = randomContent(3000)
      const [one, two] = await Promise.all([world.store.openPartial(digest, map), world.store.openPartial(digest, map)])
      expect(one).toBe(two)
      expect(await world.store.openPartial(digest, new PieceMap(3000, 1024))).toBe(one)
    })

    test('may be empty', async () => {
      const { digest, map } = randomContent(0)
      const partial = await world.store.openPartial(digest, map)
      await partial.complete()
      expect(await world.store.stat(digest)).toMatchObject({ size: 0 })
    })

    test('accept each piece once, from any writer', async () => {
      const content = randomContent(2 * KIB)
      const partial = await world.store.openPartial(content.digest, content.map)
      const write = () => partial.write(1, content.piece(1), content.hash(1))
      await Promise.all([write(), write()])
      await write()
      expect(world.store.usedBytes).toBe(KIB)
    })

    test('refuse a piece of the wrong length', async () => {
      const content = randomContent(2 * KIB)
      const partial = await world.store.openPartial(content.digest, content.map)
      for (const [piece, length] of [
        [0, KIB - 1],
        [2, KIB],
        [-1, KIB],
      ] as const) {
        const write = partial.write(piece, new Uint8Array(length), content.hash(0))
        await expect(write).rejects.toMatchObject({ code: 'PIECE_INVALID' })
      }
      expect(world.store.usedBytes).toBe(0)
    })

    test('wake a caller that waits for a piece', async () => {
      const content = randomContent(3 * KIB)
      const partial = await world.store.openPartial(content.digest, content.map)
      const seen: number[] = []
      const waits = [2, 0, 2].map((piece) => partial.whenVerified(piece).then(() => seen.push(piece)))
      await writePieces(partial, content, [2])
      await Promise.all([waits[0], waits[2]])
      expect(seen).toEqual([2, 2])
      await writePieces(partial, content, [0])
      await waits[1]
      await partial.whenVerified(0)
    })

    test('let a waiting caller give up', async () => {
      const { digest, map } = randomContent(3 * KIB)
      const partial = await world.store.openPartial(digest, map)
      const controller = new AbortController()
      const wait = partial.whenVerified(0, { signal: controller.signal })
      const given = expect(wait).rejects.toMatchObject({ code: 'ABORTED' })
      controller.abort()
      await given
    })

    test('tell all their users why they were discarded', async () => {
      const content = randomContent(3 * KIB)
      const partial = await world.store.openPartial(content.digest, content.map)
      await writePieces(partial, content, [1])
      const reason = appError('METAINFO_FAILED')
      const waits = expect(partial.whenVerified(0)).rejects.toBe(reason)
      await Promise.all([partial.discard(reason), partial.discard(appError('UNKNOWN'))])
      await waits
      await expect(partial.whenVerified(1)).rejects.toBe(reason)
      await expect(partial.read({ start: 0, end: 1 })).rejects.toBe(reason)
      await expect(writePieces(partial, content, [0])).rejects.toBe(reason)
      await expect(partial.complete()).rejects.toBe(reason)
      expect(world.store.usedBytes).toBe(0)
      expect(await world.store.partials()).toEqual([])
      const fresh = await world.store.openPartial(content.digest, content.map)
      expect(fresh.have.count).toBe(0)
    })

    test('keep every piece over a restart', async () => {
      const content = randomContent(9 * KIB)
      const partial = await world.store.openPartial(content.digest, content.map)
      await writePieces(partial, content, [8, 1, 4])
      await world.restart()
      expect(await world.store.partials()).toEqual([{ digest: content.digest, map: content.map, bytes: 3 * KIB }])
      expect(world.store.usedBytes).toBe(3 * KIB)
      const again = await world.store.openPartial(content.digest, content.map)
      expect([...again.have]).toEqual([1, 4, 8])
      expect(Buffer.compare(again.hashOf(4) ?? Buffer.of(), content.hash(4))).toBe(0)
      expect(again.hashOf(5)).toBeUndefined()
      expect(Buffer.compare(await again.read({ start: 8 * KIB, end: 9 * KIB }), content.piece(8))).toBe(0)
      await writePieces(again, content)
      await again.complete()
      expect(Buffer.compare(await readBlob(world.store, content.digest), content.bytes)).toBe(0)
    })

    test('of another geometry are replaced, in use or left by an earlier run, and their users are told', async () => {
      const content = randomContent(4 * KIB)
      const other = new PieceMap(4 * KIB, 2 * KIB)
      const partial = await world.store.openPartial(content.digest, content.map)
      await writePieces(partial, content, [0])
      const waiting = partial.whenVerified(1)
      const [replaced] = await Promise.all([
        world.store.openPartial(content.digest, other),
        expect(waiting).rejects.toMatchObject({ code: 'STORE_CORRUPT' }),
      ])
      await expect(partial.read({ start: 0, end: 1 })).rejects.toMatchObject({ code: 'STORE_CORRUPT' })
      expect(replaced.have.count).toBe(0)
      await replaced.write(0, content.bytes.subarray(0, 2 * KIB), content.hash(0))
      await world.restart()
      const begun = await world.store.openPartial(content.digest, content.map)
      expect(begun.have.count).toBe(0)
      expect(world.store.usedBytes).toBe(0)
      expect(await world.store.partials()).toEqual([{ digest: content.digest, map: content.map, bytes: 0 }])
    })

    test('are dropped when nobody uses them, and left where somebody does', async () => {
      const content = randomContent(2 * KIB)
      expect(await world.store.dropPartial(content.digest)).toBe(true)
      const partial = await world.store.openPartial(content.digest, content.map)
      await writePieces(partial, content, [0])
      const release = partial.lease()
      expect(await world.store.dropPartial(content.digest)).toBe(false)
      expect(await world.store.partials()).toMatchObject([{ bytes: KIB }])
      release()
      expect(await world.store.dropPartial(content.digest)).toBe(true)
      expect([await world.store.partials(), world.store.usedBytes]).toEqual([[], 0])
    })

    test('can be read on after they are complete, and complete again', async () => {
      const content = randomContent(3 * KIB)
      const partial = await world.store.openPartial(content.digest, content.map)
      await writePieces(partial, content)
      const [one, two] = await Promise.all([partial.complete(), partial.complete()])
      expect(one).toEqual(two)
      await partial.discard(appError('UNKNOWN'))
      expect(Buffer.compare(await partial.read({ start: 0, end: 3 * KIB }), content.bytes)).toBe(0)
      await writePieces(partial, content, [0])
      expect(world.store.usedBytes).toBe(3 * KIB)
    })

    test('give way to a complete blob that is already there, and read from it', async () => {
      const content = randomContent(3 * KIB)
      const partial = await world.store.openPartial(content.digest, content.map)
      await writePieces(partial, content)
      await putBlob(world.store, content)
      await partial.complete()
      expect(world.store.usedBytes).toBe(3 * KIB)
      expect(Buffer.compare(await partial.read({ start: 0, end: 3 * KIB }), content.bytes)).toBe(0)
    })
  })
}
