import { describe, expect, test } from '@jest/globals'
import { appError, fakeClock, seededRandom } from '../../../lib/base/index.ts'
import { PieceMap } from '../../../lib/core/index.ts'
import { memoryStore } from '../../../lib/store/index.ts'
import { silentLogger } from '../../../lib/telemetry/index.ts'
import { landing } from '../../../services/origin/bring/intake-slot.ts'
import { randomContent } from '../../kit/store-fixture.ts'

const { digest } = randomContent(3, 1)
const length = 3_000_000

async function newLanding() {
  const store = memoryStore(
    { clock: fakeClock(), random: seededRandom(1), logger: silentLogger() },
    { capacityBytes: 1e8 },
  )
  await store.start()
  return { store, lands: landing({ store, onReceived: () => undefined }, digest) }
}

describe('who waits for a landing', () => {
  test('gets the intake as soon as the length is known, and the next one when that is dropped', async () => {
    const { lands } = await newLanding()
    const first = lands.arriving()
    await lands.open(length)
    expect((await first)?.partial.map.length).toBe(length)
    await lands.drop(appError('BACKEND_CORRUPT'))
    const second = lands.arriving()
    await lands.open(length + 1)
    expect((await second)?.partial.map.length).toBe(length + 1)
  })

  test('is told when it fails, however often it was dropped meanwhile', async () => {
    const { lands } = await newLanding()
    await lands.open(length)
    await lands.drop(appError('BACKEND_CORRUPT'))
    const waiting = lands.arriving()
    await lands.drop(appError('BACKEND_CORRUPT'))
    lands.close(appError('DIGEST_REFUSED'))
    await expect(waiting).rejects.toMatchObject({ code: 'DIGEST_REFUSED' })
  })

  test('has nothing to wait for when the blob was here before', async () => {
    const { lands } = await newLanding()
    const waiting = lands.arriving()
    lands.close()
    expect(await waiting).toBeUndefined()
  })

  test('finds no partial blob of another length in the way', async () => {
    const { store, lands } = await newLanding()
    const other = await store.openPartial(digest, new PieceMap(2 * length))
    await lands.open(length)
    expect((await store.partials()).map(({ map }) => map.length)).toEqual([length])
    await expect(other.whenVerified(0)).rejects.toMatchObject({ code: 'STORE_CORRUPT' })
  })
})
