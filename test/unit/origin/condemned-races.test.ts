import { Readable } from 'node:stream'
import { expect, test } from '@jest/globals'
import { type Backend, memoryBackend } from '../../../lib/backend/index.ts'
import { fakeClock, seededRandom } from '../../../lib/base/index.ts'
import { digestOf, parseRepository } from '../../../lib/core/index.ts'
import { memoryStore } from '../../../lib/store/index.ts'
import { silentLogger } from '../../../lib/telemetry/index.ts'
import { blobKey } from '../../../services/origin/blob-keys.ts'
import { refusals } from '../../../services/origin/bring/refusals.ts'
import { sourceKeys } from '../../../services/origin/bring/source-keys.ts'
import { condemnedBlobs } from '../../../services/origin/garbage/condemned.ts'
import { writeToBackend } from '../../../services/origin/push/backend-write.ts'
import { keepBlob } from '../../../services/origin/push/keep-blob.ts'
import { interleaved, schedulesOf } from '../../kit/interleaved.ts'

const bytes = Buffer.from('the content of a blob')
const blob = { digest: digestOf(bytes), repository: parseRepository('team/app') }
const graceMs = 3_600_000

/** A blob whose sentence is to be carried out, and who wants to remove it and to rely on it. */
async function ripe() {
  const [clock, backend, random] = [fakeClock(), memoryBackend(), seededRandom(1)]
  const condemned = condemnedBlobs({ clock, random })
  await backend.write(blobKey(blob.digest), bytes, { size: bytes.length })
  await condemned.condemn(backend, blob.digest, {})
  await clock.advance(graceMs)
  const markedAtMs = clock.now()
  const store = memoryStore({ clock, random, logger: silentLogger() }, { capacityBytes: 1e6 })
  const partsAt = (place: Backend) => {
    const backends = { backendFor: () => place }
    return {
      ...{ store, backends, condemned, refusals: refusals(clock, sourceKeys(backends)), onSent: () => undefined },
      writeBack: { keep: () => Promise.reject(new Error('not of this durability')) },
      durabilityOf: () => 'backend' as const,
    }
  }
  return {
    ...{ clock, backend },
    remove: (place: Backend) => condemned.remove(place, blob.digest, { markedAtMs, graceMs }),
    push: (place: Backend) =>
      writeToBackend(partsAt(place), { blob, size: bytes.length, read: async () => Readable.from([bytes]) }, {}),
    keep: (place: Backend) => keepBlob(partsAt(place), blob),
    isThere: async () => (await backend.stat(blobKey(blob.digest))) !== undefined,
  }
}

/** A removal makes five calls; who relies on the blob two, and more where it waits or writes. */
const schedules = schedulesOf(8)

test('a push and a removal of the same blob: whatever call comes when, what was acknowledged is there', async () => {
  const outcomes = new Set<string>()
  for (const schedule of schedules) {
    const world = await ripe()
    const [pushed, removal] = await interleaved(world, { first: world.push, second: world.remove }, schedule)
    expect({ schedule, pushed: pushed.status, isThere: await world.isThere() }).toEqual({
      ...{ schedule, pushed: 'fulfilled', isThere: true },
    })
    outcomes.add(removal.status === 'fulfilled' ? (removal.value as { outcome: string }).outcome : 'failed')
  }
  // Else the schedules have shown nothing.
  expect([...outcomes]).toEqual(expect.arrayContaining(['kept', 'removed']))
})

test('a mount and a removal of the same blob: what is said to be there stays', async () => {
  const answers = new Set<string>()
  for (const schedule of schedules) {
    const world = await ripe()
    const [kept] = await interleaved(world, { first: world.keep, second: world.remove }, schedule)
    expect({ schedule, isThere: await world.isThere() }).toEqual({ schedule, isThere: kept.status === 'fulfilled' })
    answers.add(kept.status)
  }
  expect([...answers].sort()).toEqual(['fulfilled', 'rejected'])
})

test('a write that takes longer than a blob is spared ends with a new look', async () => {
  const { clock, backend, push, remove, isThere } = await ripe()
  await remove(backend)
  const condemned = condemnedBlobs({ clock, random: seededRandom(2) })
  const slow: Backend = {
    ...backend,
    // Another one is faster, links nothing, and a look for garbage removes what it wrote.
    async write(key, ...rest) {
      if (!key.startsWith('blobs/') || (await isThere())) return backend.write(key, ...rest)
      await backend.write(blobKey(blob.digest), bytes, { size: bytes.length })
      await condemned.condemn(backend, blob.digest, {})
      await clock.advance(graceMs)
      return backend.write(key, ...rest)
    },
  }
  await push(slow)
  expect(await condemned.remove(backend, blob.digest, { markedAtMs: clock.now(), graceMs })).toEqual({
    outcome: 'kept',
  })
  expect(await isThere()).toBe(true)
})
