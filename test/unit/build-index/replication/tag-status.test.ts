import { expect, test } from '@jest/globals'
import { type Replication, replicationSchema } from '../../../../lib/api/index.ts'
import { fakeClock } from '../../../../lib/base/index.ts'
import { digestOf, parseRepository, parseTag } from '../../../../lib/core/index.ts'
import { silentLogger } from '../../../../lib/telemetry/index.ts'
import { newStatus, TagStatus } from '../../../../services/build-index/replication/tag-status.ts'

const target = { remote: 'far', repository: parseRepository('team/app'), tag: parseTag('1.0') }
const digest = digestOf(Buffer.from('layer'))

function lab() {
  const clock = fakeClock()
  const saved: Replication[] = []
  const statuses = { set: async (_: unknown, status: Replication) => void saved.push(status) }
  const status = new TagStatus({ statuses, clock, logger: silentLogger() }, target, newStatus(target, clock.now()))
  return { clock, saved, status }
}

test('an upload is kept over a failure, and given up when it has not gone on for a minute', async () => {
  const { clock, status } = lab()
  status.setUpload(digest, { origin: 'o1', id: 'u1' })
  await clock.advance(59_000)
  status.uploadFailed(digest)
  expect(status.uploadOf(digest)?.id).toBe('u1')
  await clock.advance(2_000)
  status.uploadFailed(digest)
  expect(status.uploadOf(digest)).toBeUndefined()
})

test('a new upload is written at once, and bytes now and then, with their rate', async () => {
  const { clock, saved, status } = lab()
  status.setUpload(digest, { origin: 'o1', id: 'u1' })
  await clock.advance(0)
  expect(saved).toHaveLength(1)
  for (let i = 0; i < 10; i += 1) {
    await clock.advance(1_000)
    status.setUpload(digest, { origin: 'o1', id: 'u1' })
    status.add(500, 500)
  }
  await clock.advance(0)
  expect(saved).toHaveLength(4)
  expect(saved.at(-1)).toMatchObject({ sentBytes: 4500, doneBytes: 4500, bytesPerSecond: 500 })
})

test('can be read again, whatever sizes manifests declare', () => {
  const { status } = lab()
  const huge = Number.MAX_SAFE_INTEGER
  status.change({ totalBytes: huge * 100_000, doneBytes: huge + huge })
  status.add(huge, huge)
  status.add(huge, huge)
  expect(replicationSchema.parse(status.now)).toMatchObject({ totalBytes: huge, doneBytes: huge, sentBytes: huge })
})
