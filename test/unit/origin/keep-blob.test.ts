import { Readable } from 'node:stream'
import { beforeEach, expect, test } from '@jest/globals'
import { type Backend, memoryBackend } from '../../../lib/backend/index.ts'
import { appError, fakeClock, seededRandom } from '../../../lib/base/index.ts'
import { digestOf, parseRepository } from '../../../lib/core/index.ts'
import { memoryStore } from '../../../lib/store/index.ts'
import { silentLogger } from '../../../lib/telemetry/index.ts'
import { blobKey } from '../../../services/origin/blob-keys.ts'
import { refusals } from '../../../services/origin/bring/refusals.ts'
import { sourceKeys } from '../../../services/origin/bring/source-keys.ts'
import { condemnedBlobs } from '../../../services/origin/garbage/condemned.ts'
import { keepBlob } from '../../../services/origin/push/keep-blob.ts'

const bytes = Buffer.from('the content of a blob')
const blob = { digest: digestOf(bytes), repository: parseRepository('team/app') }
const clock = fakeClock()
const condemned = condemnedBlobs({ clock, random: seededRandom(1) })

let backend: Backend
let store: ReturnType<typeof memoryStore>
let tasks: number

const keep = (durability: 'backend' | 'replicas' = 'backend', place = backend) => {
  const backends = { backendFor: () => place }
  const writeBack = {
    async keep(_: unknown, commit: () => ReturnType<typeof store.stat>) {
      tasks += 1
      return commit()
    },
  }
  return keepBlob(
    {
      ...{ store, backends, condemned, refusals: refusals(clock, sourceKeys(backends)), onSent: () => undefined },
      writeBack: writeBack as never,
      durabilityOf: () => durability,
    },
    blob,
  )
}
const storeIt = async () => {
  const upload = await store.createUpload()
  await upload.append(Readable.from([bytes]), { offset: 0 })
  await upload.commit(blob.digest)
}

beforeEach(async () => {
  backend = memoryBackend()
  store = memoryStore({ clock, random: seededRandom(2), logger: silentLogger() }, { capacityBytes: 1e6 })
  await store.start()
  tasks = 0
})

test('a blob of the backend is spared', async () => {
  await backend.write(blobKey(blob.digest), bytes, { size: bytes.length })
  await condemned.condemn(backend, blob.digest, {})
  expect(await keep()).toBe(bytes.length)
  expect((await condemned.list(backend, { last: '', limit: 1 })).condemned).toEqual([])
})

test('a blob that only this origin has is written to the backend first', async () => {
  await storeIt()
  expect(await keep()).toBe(bytes.length)
  expect((await backend.stat(blobKey(blob.digest)))?.size).toBe(bytes.length)
})

test('where pushes do not wait for the backend, it gets a task, also in an outage of the backend', async () => {
  await storeIt()
  expect(await keep('replicas')).toBe(bytes.length)
  const down: Backend = { ...backend, stat: () => Promise.reject(appError('BACKEND_UNAVAILABLE')) }
  expect(await keep('replicas', down)).toBe(bytes.length)
  expect(tasks).toBe(2)
  await expect(keep('backend', down)).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' })
})

test('a blob that is nowhere is told', async () => {
  await expect(keep()).rejects.toMatchObject({ code: 'BLOB_UNKNOWN' })
})
