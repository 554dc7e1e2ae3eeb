import { afterEach, describe, expect, test } from '@jest/globals'
import { type Backend, rehearseConditions } from '../../../lib/backend/index.ts'
import { s3Schema } from '../../../lib/backend/s3/config.ts'
import { s3Backend } from '../../../lib/backend/s3/s3-backend.ts'
import { systemClock, systemRandom } from '../../../lib/base/index.ts'
import { silentLogger } from '../../../lib/telemetry/index.ts'
import { cipherBytes } from '../../kit/cipher-bytes.ts'
import { plainGovernor } from '../../kit/plain-governor.ts'
import { type ResourceStack, resourceStack } from '../../kit/resource-stack.ts'
import { startS3Server } from '../../kit/s3-server/index.ts'
import { startS3rver } from '../../kit/s3rver.ts'
import { write } from './backend-world.ts'

const ignored = { code: 'BACKEND_CONDITIONS_IGNORED' }
const large = cipherBytes('s3-conditions', 6 * 1024 * 1024)
const random = systemRandom()

let stack: ResourceStack = resourceStack()
afterEach(async () => {
  await stack[Symbol.asyncDispose]()
  stack = resourceStack()
})

interface Bucket {
  readonly bucket: string
  readonly endpoint: string
  readonly keys: object
}

async function opened({ bucket, endpoint, keys }: Bucket, own: object = {}): Promise<Backend> {
  const parts = { size: '5MiB' }
  const config = s3Schema.parse({ driver: 's3', bucket, endpoint, pathStyle: true, credentials: keys, parts, ...own })
  const backend = s3Backend({ clock: systemClock(), random, logger: silentLogger(), governor: plainGovernor() }, config)
  stack.own({ [Symbol.asyncDispose]: () => backend.stop() })
  await backend.start()
  return backend
}

describe('a bucket that ignores the conditions of', () => {
  test.each([
    ['PutObject', Buffer.from('second')],
    ['CompleteMultipartUpload', large],
  ] as const)('%s: nothing is written over, and the caller is told', async (operation, bytes) => {
    const server = stack.own(await startS3Server({ ignores: [operation] }))
    const backend = await opened(server)
    const first = await write(backend, 'k', 'first')
    for (const condition of [{ ifMatch: first.etag }, { ifAbsent: true }]) {
      const key = 'ifMatch' in condition ? 'k' : 'other'
      await expect(backend.write(key, bytes, { ...condition, size: bytes.length })).rejects.toMatchObject(ignored)
    }
    expect(server.objectKeys()).toEqual(['k'])
    expect(Buffer.from(server.object('k') ?? []).toString()).toBe('first')
    expect(server.openUploads()).toEqual([])
  })

  test('DeleteObject: nothing is removed, unless the config says that it may be without', async () => {
    const server = stack.own(await startS3Server({ ignores: ['DeleteObject'] }))
    const backend = await opened(server)
    const { etag } = await write(backend, 'k', 'first')
    await expect(backend.delete('k', { ifMatch: etag })).rejects.toMatchObject(ignored)
    await expect(
      rehearseConditions(backend, { folder: 'garbage/', clock: systemClock(), random }),
    ).rejects.toMatchObject(ignored)
    expect(server.objectKeys()).toEqual(['k'])
    const knowing = await opened(server, { conditionalDeletes: false })
    await knowing.delete('k', { ifMatch: etag })
    expect(server.objectKeys()).toEqual([])
  })

  test('all, as s3rver does: it is found out, and what was written stays', async () => {
    const backend = await opened(stack.own(await startS3rver()), { checksums: 'required' })
    const { etag } = await write(backend, 'k', 'first')
    await expect(backend.delete('k', { ifMatch: etag })).rejects.toMatchObject(ignored)
    await expect(backend.write('k', Buffer.from('2'), { size: 1, ifMatch: etag })).rejects.toMatchObject(ignored)
    expect(await backend.stat('k')).toMatchObject({ etag })
  })
})
