import { buffer } from 'node:stream/consumers'
import { expect, jest, test } from '@jest/globals'
import type { Backend } from '../../../lib/backend/index.ts'
import { appError } from '../../../lib/base/index.ts'
import { type ByteRange, parseRepository, pieceLengthFor } from '../../../lib/core/index.ts'
import type { ManagedStore, PartialBlob } from '../../../lib/store/index.ts'
import { blobKey } from '../../../services/origin/blob-keys.ts'
import { type BarredBackend, barredBackend } from '../../kit/barred-backend.ts'
import { cipherBytes } from '../../kit/cipher-bytes.ts'
import { originLab } from '../../kit/origin-lab.ts'
import { contentOf, readBlob } from '../../kit/store-fixture.ts'

const PIECE = pieceLengthFor(0)
const UNIT = 2 * PIECE
const size = 8 * UNIT + 777
const content = contentOf(cipherBytes('right', size), PIECE)
const blob = { digest: content.digest, repository: parseRepository('team/app') }
const ask = { hop: false } as const

/** A disk that takes no piece of an arriving blob while it is full. */
function fillableDisk(store: ManagedStore) {
  let isFull = false
  const open = store.openPartial.bind(store)
  jest.spyOn(store, 'openPartial').mockImplementation(async (...args) => {
    const partial = await open(...args)
    const write: PartialBlob['write'] = (...piece) =>
      isFull ? Promise.reject(appError('STORE_FULL')) : partial.write(...piece)
    return new Proxy(partial, {
      get(target, name) {
        const value: unknown = name === 'write' ? write : Reflect.get(target, name, target)
        return typeof value === 'function' ? (value as () => unknown).bind(target) : value
      },
    })
  })
  return {
    set full(now: boolean) {
      isFull = now
    },
  }
}

test('a disk that gets full while readers wait: each gets right bytes or the reason, and only right pieces stay', async () => {
  let barred: BarredBackend | undefined
  const wrapBackend = (backend: Backend) => {
    barred = barredBackend(backend)
    return barred.backend
  }
  const lab = originLab({ count: 1, replicas: 1, unitBytes: UNIT, wrapBackend })
  const { store, ingest } = lab.origins[0]!
  await store.start()
  await lab.inner.write(blobKey(content.digest), content.bytes, { size })
  const disk = fillableDisk(store)
  const read = async (range: ByteRange, standsAlone = true) => {
    const opened = await ingest.open(blob, ask)
    const bytes = await buffer(await opened.read(range, { standsAlone }))
    return bytes.equals(content.bytes.subarray(range.start, range.end))
  }
  const ranges = {
    front: { start: 5, end: UNIT - 5 },
    across: { start: 0, end: 3 * UNIT },
    middle: { start: 5 * UNIT, end: 5 * UNIT + 10 },
    tail: { start: size - 10, end: size },
  }

  barred!.bar(({ start }) => start > 0)
  expect(await read(ranges.front)).toBe(true)
  const waiting = [read(ranges.across), read(ranges.middle), read(ranges.tail, false), ingest.ensure(blob, ask)]
  const ends = Promise.allSettled(waiting)
  disk.full = true
  barred!.bar(() => false)
  for (const end of await ends) expect(end).toMatchObject({ status: 'rejected', reason: { code: 'STORE_FULL' } })
  expect(await store.stat(content.digest)).toBeUndefined()
  expect(await ingest.holding(blob)).toMatchObject({
    ranges: [{ start: 0, end: UNIT }],
    verified: false,
    claim: 'none',
  })

  disk.full = false
  expect(await Promise.all(Object.values(ranges).map((range) => read(range)))).toEqual([true, true, true, true])
  await ingest.ensure(blob, ask)
  expect(Buffer.compare(await readBlob(store, content.digest), content.bytes)).toBe(0)
  expect(await store.partials()).toEqual([])
  // What was here when the disk was full is not read again.
  expect(barred!.asked.filter(({ start }) => start < UNIT)).toHaveLength(1)
})
