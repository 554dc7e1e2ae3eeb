import { describe, expect, test } from '@jest/globals'
import { appError } from '../../../lib/base/index.ts'
import { type Digest, PieceMap } from '../../../lib/core/index.ts'
import { type Content, putBlob, randomContent, writePieces } from '../../kit/store-fixture.ts'
import { CAPACITY, KIB, type StoreWorld } from './store-world.ts'

/** What every store tells of blobs that are here no longer. */
export function goneRules(world: StoreWorld): void {
  const content = randomContent(20 * KIB, 1)

  /** Blobs that the store has told to be gone, in order. */
  function told(): readonly Digest[] {
    const gone: Digest[] = []
    world.store.onGone((digest) => gone.push(digest))
    return gone
  }

  async function part(of: Content) {
    const partial = await world.store.openPartial(of.digest, of.map)
    await writePieces(partial, of, [0])
    return partial
  }

  const makeRoom = () => putBlob(world.store, randomContent(CAPACITY * 0.95, 50))

  describe('a blob of which nothing is here any longer is told', () => {
    test.each([
      ['deleted', () => world.store.delete(content.digest)],
      ['evicted by name', () => world.store.evict(content.digest)],
      ['evicted to make room', makeRoom],
    ])('when it was %s', async (_, remove) => {
      await putBlob(world.store, content)
      const gone = told()
      await remove()
      expect(gone).toEqual([content.digest])
    })

    test.each([
      ['dropped', () => world.store.dropPartial(content.digest)],
      ['evicted to make room', makeRoom],
      [
        'replaced by one with other pieces',
        () => world.store.openPartial(content.digest, new PieceMap(content.map.length + 1)),
      ],
    ])('when a part of it was %s, whether an earlier run had left it or not', async (_, remove) => {
      for (const again of [false, true]) {
        await part(content)
        if (again) await world.restart()
        const gone = told()
        await remove()
        expect(gone).toEqual([content.digest])
        await world.store.dropPartial(content.digest)
      }
    })

    test('when a part of it was discarded, to each who listens', async () => {
      const partial = await part(content)
      const gone = [told(), told()]
      await partial.discard(appError('STORE_CORRUPT'))
      expect(gone).toEqual([[content.digest], [content.digest]])
    })
  })

  test('a blob that has become whole is not told to be gone, nor one that is here beside a part of it', async () => {
    const partial = await part(content)
    const gone = told()
    await writePieces(partial, content)
    await partial.complete()
    await part(content)
    await world.store.dropPartial(content.digest)
    expect(await world.store.stat(content.digest)).toBeDefined()
    expect(gone).toEqual([])
  })
}
