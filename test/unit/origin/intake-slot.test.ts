import { describe, expect, test } from '@jest/globals'
import { appError, fakeClock, seededRandom } from '../../../lib/base/index.ts'
import { PieceMap } from '../../../lib/core/index.ts'
import { blockHashing, inlineDigester } from '../../../lib/metainfo/index.ts'
import { memoryStore } from '../../../lib/store/index.ts'
import { silentLogger } from '../../../lib/telemetry/index.ts'
import { intakeSlot } from '../../../services/origin/bring/intake-slot.ts'
import { silentSeed } from '../../kit/silent-seed.ts'
import { randomContent } from '../../kit/store-fixture.ts'

const { digest } = randomContent(3, 1)
const length = 3_000_000

async function newSlot() {
  const store = memoryStore(
    { clock: fakeClock(), random: seededRandom(1), logger: silentLogger() },
    { capacityBytes: 1e8 },
  )
  await store.start()
  return {
    store,
    slot: intakeSlot(
      {
        store,
        hashing: blockHashing(inlineDigester()),
        onReceived: () => undefined,
        holdWhole: () => () => undefined,
        seedArriving: silentSeed,
      },
      digest,
    ),
  }
}

describe('a caller that waits for an intake', () => {
  test('gets the intake as soon as the length is known, and the next one when that is dropped', async () => {
    const { slot } = await newSlot()
    const first = slot.opened()
    await slot.open(length)
    expect((await first)?.partial.map.length).toBe(length)
    await slot.drop(appError('BACKEND_CORRUPT'))
    const second = slot.opened()
    await slot.open(length + 1)
    expect((await second)?.partial.map.length).toBe(length + 1)
  })

  test('is told when it fails, however often it was dropped meanwhile', async () => {
    const { slot } = await newSlot()
    await slot.open(length)
    await slot.drop(appError('BACKEND_CORRUPT'))
    const waiting = slot.opened()
    await slot.drop(appError('BACKEND_CORRUPT'))
    slot.close(appError('DIGEST_REFUSED'))
    await expect(waiting).rejects.toMatchObject({ code: 'DIGEST_REFUSED' })
  })

  test('has nothing to wait for when the blob was here before', async () => {
    const { slot } = await newSlot()
    const waiting = slot.opened()
    slot.close()
    expect(await waiting).toBeUndefined()
  })

  test.each([
    ['length', new PieceMap(2 * length)],
    ['piece length, as protocol version 1 had it', new PieceMap(length, 1024 * 1024)],
  ])('finds no partial blob of another %s in the way', async (_, map) => {
    const { store, slot } = await newSlot()
    const other = await store.openPartial(digest, map)
    await slot.open(length)
    expect((await store.partials()).map((each) => each.map)).toEqual([new PieceMap(length)])
    await expect(other.whenVerified(0)).rejects.toMatchObject({ code: 'STORE_CORRUPT' })
  })
})
