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

test('a blob that another writer has written meanwhile is there', async () => {
  await expect(writeAgainst((inner) => inner.write(key, bytes, { size: bytes.length }))).resolves.toBeDefined()
})

test.each([
  ['has not finished', async () => undefined],
  ['wrote other bytes', (inner: Backend) => inner.write(key, bytes.subarray(1), { size: bytes.length - 1 })],
])('a blob whose other writer %s is tried again later, and its task does not die', async (_, rival) => {
  await expect(writeAgainst(rival)).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE', retryable: true })
})
