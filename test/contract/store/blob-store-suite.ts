import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import type { StoreInit } from '../../../lib/store/index.ts'
import { randomContent, writePieces } from '../../kit/store-fixture.ts'
import { completeBlobRules } from './complete-rules.ts'
import { goneRules } from './gone-rules.ts'
import { partialBlobRules } from './partial-rules.ts'
import { roomRules } from './room-rules.ts'
import { CAPACITY, KIB, type StoreSubject, type StoreWorld } from './store-world.ts'
import { upkeepRules } from './upkeep-rules.ts'
import { uploadRoomRules } from './upload-room-rules.ts'
import { uploadRules } from './upload-rules.ts'

/** What every store promises. `make` returns a started store with a fake clock. */
export function blobStoreSuite(name: string, make: (init: StoreInit) => Promise<StoreSubject>): void {
  describe(`blob store: ${name}`, () => {
    let subject: StoreSubject
    let store: StoreSubject['store']

    const use = async (init: Partial<StoreInit> = {}) => {
      const evictable = (digest: string) => world.evictable.get(digest) ?? true
      subject = await make({ capacityBytes: CAPACITY, minFreeBytes: 0, evictable, ...init })
      store = subject.store
    }

    const leave = async () => {
      await store.stop()
      const leftovers = await subject.leftovers()
      await subject.dispose()
      expect(leftovers).toEqual([])
    }

    const world: StoreWorld = {
      get store() {
        return store
      },
      get clock() {
        return subject.clock
      },
      get metrics() {
        return subject.metrics
      },
      evictable: new Map(),
      async restart() {
        store = await subject.restart()
      },
      async remake(init) {
        await leave()
        await use(init)
      },
    }

    beforeEach(async () => {
      world.evictable.clear()
      await use()
    })

    afterEach(leave)

    uploadRules(world)
    uploadRoomRules(world)
    completeBlobRules(world)
    partialBlobRules(world)
    roomRules(world)
    goneRules(world)
    upkeepRules(world)

    test('writes nothing after its stop, which may be repeated', async () => {
      const content = randomContent(2 * KIB)
      const partial = await store.openPartial(content.digest, content.map)
      await store.stop()
      await store.stop()
      await expect(writePieces(partial, content, [0])).rejects.toMatchObject({ code: 'SHUTTING_DOWN' })
      await expect(store.createUpload()).rejects.toMatchObject({ code: 'SHUTTING_DOWN' })
      expect(subject.clock.pending).toBe(0)
    })
  })
}
