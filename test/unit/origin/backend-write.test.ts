import { Readable } from 'node:stream'
import { expect, test } from '@jest/globals'
import { type Backend, memoryBackend } from '../../../lib/backend/index.ts'
import { appError, fakeClock, seededRandom } from '../../../lib/base/index.ts'
import { digestOf, parseRepository } from '../../../lib/core/index.ts'
import { blobKey } from '../../../services/origin/blob-keys.ts'
import { refusals } from '../../../services/origin/bring/refusals.ts'
import { sourceKeys } from '../../../services/origin/bring/source-keys.ts'
import { condemnedBlobs } from '../../../services/origin/garbage/condemned.ts'
import { writeToBackend } from '../../../services/origin/push/backend-write.ts'

const condemned = condemnedBlobs({ clock: fakeClock(), random: seededRandom(1) })
const bytes = Buffer.from('the content of a blob')
const blob = { digest: digestOf(bytes), repository: parseRepository('team/app') }
const key = blobKey(blob.digest)

/** Writes the blob while `rival` acts between the look and the write. */
function writeAgainst(rival: (backend: Backend) => Promise<unknown>): Promise<unknown> {
  const inner = memoryBackend()
  const backend: Backend = {
    ...inner,
    async write() {
      await rival(inner)
      throw appError('BACKEND_PRECONDITION_FAILED')
    },
  }
  const backends = { backendFor: () => backend }
  return writeToBackend(
    { backends, refusals: refusals(fakeClock(), sourceKeys(backends)), onSent: () => undefined, condemned },
    { blob, size: bytes.length, read: async () => Readable.from([bytes]) },
    {},
  )
}

test.each([
  ['short', 20, ['write']],
  ['long', 64 * 1024 + 1, ['stat', 'write']],
])('a %s blob is written with the fewest requests, and once', async (_, size, requests) => {
  const inner = memoryBackend()
  const seen: string[] = []
  const backend: Backend = {
    ...inner,
    stat: (...args) => {
      seen.push('stat')
      return inner.stat(...args)
    },
    write: (...args) => {
      seen.push('write')
      return inner.write(...args)
    },
  }
  const backends = { backendFor: () => backend }
  const sent: number[] = []
  const parts = { backends, condemned, refusals: refusals(fakeClock(), sourceKeys(backends)) }
  const content = { blob, size, read: async () => Readable.from([Buffer.alloc(size)]) }
  const push = () => writeToBackend({ ...parts, onSent: (_to, count) => sent.push(count) }, content, {})
  await push()
  expect(seen).toEqual(requests)
  await push()
  expect(sent).toEqual([size])
})

test('a short blob that a backend which takes none has is there, another one is refused', async () => {
  const inner = memoryBackend()
  const backend: Backend = { ...inner, write: () => Promise.reject(appError('BACKEND_READ_ONLY')) }
  const backends = { backendFor: () => backend }
  const parts = { backends, condemned, refusals: refusals(fakeClock(), sourceKeys(backends)), onSent: () => undefined }
  const content = { blob, size: bytes.length, read: async () => Readable.from([bytes]) }
  await expect(writeToBackend(parts, content, {})).rejects.toMatchObject({ code: 'BACKEND_READ_ONLY' })
  await inner.write(key, bytes, { size: bytes.length })
  await expect(writeToBackend(parts, content, {})).resolves.toBeDefined()
})

test('a blob that another writer has written meanwhile is there', async () => {
  await expect(writeAgainst((inner) => inner.write(key, bytes, { size: bytes.length }))).resolves.toBeDefined()
})

test.each([
  ['has not finished', async () => undefined],
  ['wrote other bytes', (inner: Backend) => inner.write(key, bytes.subarray(1), { size: bytes.length - 1 })],
])('a blob whose other writer %s is tried again later, and its task does not die', async (_, rival) => {
  await expect(writeAgainst(rival)).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE', retryable: true })
})
