import { Readable } from 'node:stream'
import { beforeEach, describe, expect, test } from '@jest/globals'
import { type Backend, memoryBackend } from '../../../lib/backend/index.ts'
import { appError, type FakeClock, fakeClock, seededRandom } from '../../../lib/base/index.ts'
import { digestOf, parseRepository } from '../../../lib/core/index.ts'
import { blobKey } from '../../../services/origin/blob-keys.ts'
import { refusals } from '../../../services/origin/bring/refusals.ts'
import { sourceKeys } from '../../../services/origin/bring/source-keys.ts'
import { type Condemned, condemnedBlobs } from '../../../services/origin/garbage/condemned.ts'
import { writeToBackend } from '../../../services/origin/push/backend-write.ts'

const bytes = Buffer.from('the content of a blob')
const digest = digestOf(bytes)
const repository = parseRepository('team/app')
const graceMs = 3_600_000

let clock: FakeClock
let backend: Backend
let condemned: Condemned

const push = (to = backend) => {
  const backends = { backendFor: () => to }
  const parts = { backends, condemned, refusals: refusals(clock, sourceKeys(backends)), onSent: () => undefined }
  return writeToBackend(
    parts,
    { blob: { repository, digest }, size: bytes.length, read: async () => Readable.from([bytes]) },
    {},
  )
}
const remove = (from = backend) => condemned.remove(from, digest, { markedAtMs: clock.now(), graceMs })
const isThere = async () => (await backend.stat(blobKey(digest))) !== undefined
const all = () => condemned.list(backend, { last: '', limit: 10 })

beforeEach(async () => {
  clock = fakeClock()
  backend = memoryBackend()
  condemned = condemnedBlobs({ clock, random: seededRandom(1) })
  await push()
})

describe('a blob of a backend', () => {
  test('goes when it was condemned for the grace, and not before, nor without a sentence', async () => {
    expect(await remove()).toEqual({ outcome: 'kept' })
    expect(await condemned.condemn(backend, digest, {})).toBe(true)
    expect(await condemned.condemn(backend, digest, {})).toBe(false)
    expect((await all()).condemned).toEqual([{ digest, atMs: clock.now() }])
    await clock.advance(graceMs - 1)
    expect(await remove()).toEqual({ outcome: 'waiting' })
    expect(await isThere()).toBe(true)
    await clock.advance(1)
    expect(await remove()).toEqual({ outcome: 'removed', size: bytes.length })
    expect([await isThere(), (await all()).condemned]).toEqual([false, []])
  })

  test('stays when it is pushed again, though nothing is written, and when it is linked', async () => {
    await condemned.condemn(backend, digest, {})
    await clock.advance(graceMs)
    await push()
    expect(await remove()).toEqual({ outcome: 'kept' })
    await condemned.condemn(backend, digest, {})
    expect(await condemned.pardon(backend, digest, {})).toBe(true)
    expect(await condemned.pardon(backend, digest, {})).toBe(false)
    await clock.advance(graceMs)
    expect(await remove()).toEqual({ outcome: 'kept' })
    expect(await isThere()).toBe(true)
  })

  test('stays when it is pushed between the look of a remover and its removal', async () => {
    await condemned.condemn(backend, digest, {})
    await clock.advance(graceMs)
    const slow: Backend = {
      ...backend,
      async write(...args) {
        await push()
        return backend.write(...args)
      },
    }
    expect(await remove(slow)).toEqual({ outcome: 'kept' })
    expect(await isThere()).toBe(true)
  })
})

describe('who needs a blob that is being removed', () => {
  test('who needs a blob that is being removed waits, and brings it again', async () => {
    await condemned.condemn(backend, digest, {})
    await clock.advance(graceMs)
    let pushed: Promise<unknown> | undefined
    const slow: Backend = {
      ...backend,
      async delete(key, options) {
        if (key === blobKey(digest)) {
          pushed = push()
          for (let i = 0; i < 20; i += 1) await clock.advance(10)
        }
        await backend.delete(key, options)
      },
    }
    expect(await remove(slow)).toMatchObject({ outcome: 'removed' })
    await clock.advance(5_000)
    await pushed
    expect([await isThere(), (await all()).condemned]).toEqual([true, []])
  })

  test('takes over when the remover is gone, but not while its last request may be under way', async () => {
    await condemned.condemn(backend, digest, {})
    await clock.advance(graceMs)
    const dying: Backend = {
      ...backend,
      delete: () => Promise.reject(appError('BACKEND_UNAVAILABLE')),
    }
    await expect(remove(dying)).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' })
    const state = { isPushed: false }
    const pushed = push().then(() => {
      state.isPushed = true
    })
    for (let i = 0; i < 115; i += 1) await clock.advance(1_000)
    expect(state.isPushed).toBe(false)
    expect(await remove()).toEqual({ outcome: 'waiting' })
    for (let i = 0; i < 10; i += 1) await clock.advance(1_000)
    await pushed
    expect([await isThere(), (await all()).condemned]).toEqual([true, []])
  })

  test('a remover that stood still removes nothing any more', async () => {
    await condemned.condemn(backend, digest, {})
    await clock.advance(graceMs)
    const stalled: Backend = {
      ...backend,
      async stat(...args) {
        clock.stall(60_000)
        return backend.stat(...args)
      },
    }
    await expect(remove(stalled)).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' })
    expect(await isThere()).toBe(true)
  })
})

test('a backend that keeps no records takes pushes as ever', async () => {
  const blobsOnly: Backend = {
    ...backend,
    read: () => Promise.reject(appError('BACKEND_KEY_INVALID')),
  }
  await push(blobsOnly)
})
