import { expect, test } from '@jest/globals'
import { digestOf } from '../../../lib/core/index.ts'
import { blobKey } from '../../../services/origin/blob-keys.ts'
import { cipherBytes } from '../../kit/cipher-bytes.ts'
import { endAfter } from '../../kit/http-faults.ts'
import { pullSame } from '../../kit/pull-same.ts'
import { buildResource } from '../../kit/resource-stack.ts'
import { putOnS3 } from '../../kit/s3-object.ts'
import { type S3Server, startS3Server } from '../../kit/s3-server/index.ts'
import { startTopology } from '../../kit/topology.ts'

const MIB = 1024 * 1024
const PART_BYTES = 5 * MIB
const content = cipherBytes('a cold blob on S3', 21 * MIB)
const digest = digestOf(content)
const key = blobKey(digest)

/** Three origins in this process over a bucket with the blob, which they read in several parts at the same time. */
function startLab() {
  return buildResource(async (stack) => {
    const server: S3Server = stack.own(await startS3Server())
    const backend = await putOnS3(server, key, content, { parts: { size: PART_BYTES, parallel: 3 } })
    const shoal = stack.own(
      await startTopology({
        ...{ agents: 0, origins: 3, trackers: 1, processes: [] },
        later: ['tracker-1', 'build-index-1', 'build-index-2', 'proxy-1'],
        overrides: [`origin.backends=${JSON.stringify([{ repository: '*', backend }])}`],
      }),
    )
    const urls = ['origin-1', 'origin-2', 'origin-3'].map((id) => `${shoal.url(id)}/namespace/app/blobs/${digest}`)
    const pullAll = (clients: number) =>
      Promise.all(Array.from({ length: clients }, (_, i) => pullSame(urls[i % 3] ?? '', content)))
    return { server, pullAll }
  })
}

test('a cold blob that is read in parallel parts leaves the bucket once', async () => {
  await using lab = await startLab()
  await lab.pullAll(30)
  expect(lab.server.bytesGiven(key)).toBe(content.length)
})

test('a part that breaks costs no more than a part', async () => {
  await using lab = await startLab()
  const broken = lab.server.faults.next(
    { method: 'GET', where: ({ headers }) => headers.range !== undefined },
    endAfter(2 * MIB),
  )
  await lab.pullAll(3)
  expect(broken.met).toBe(1)
  expect(lab.server.bytesGiven(key)).toBeLessThan(content.length + PART_BYTES)
})
