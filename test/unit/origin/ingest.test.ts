import { describe, expect, test } from '@jest/globals'
import { appError } from '../../../lib/base/index.ts'
import type { Cluster } from '../../../lib/cluster/index.ts'
import { parseRepository } from '../../../lib/core/index.ts'
import { blobKey } from '../../../services/origin/blob-keys.ts'
import { clusterOf, someMembers } from '../../kit/cluster.ts'
import { type LabOrigin, type OriginLab, originLab } from '../../kit/origin-lab.ts'
import { type Content, randomContent, readBlob } from '../../kit/store-fixture.ts'

const content = randomContent(300_000, 7)
const blob = { digest: content.digest, repository: parseRepository('team/app') }

async function started(lab: OriginLab, stored: Content = content): Promise<OriginLab> {
  for (const { store } of lab.origins) await store.start()
  await lab.inner.write(blobKey(content.digest), stored.bytes, { size: stored.bytes.length })
  return lab
}

const owners = (lab: OriginLab): readonly LabOrigin[] =>
  lab.origins[0]!.cluster.owners(content.digest).map(({ id }) => lab.origin(id))

const outsider = (lab: OriginLab): LabOrigin => lab.origins.find((each) => !owners(lab).includes(each))!

describe('bringing a blob from the backend', () => {
  test('many clients at three origins read it from the backend once', async () => {
    const lab = await started(originLab({ count: 3, replicas: 2 }))
    const asks = lab.origins.flatMap(({ ingest }) =>
      Array.from({ length: 20 }, () => ingest.ensure(blob, { hop: false })),
    )
    const stored = await Promise.all(asks)
    expect(new Set(stored.map(({ size }) => size))).toEqual(new Set([content.bytes.length]))
    expect(lab.backend.calls.read).toBe(1)
    for (const { store } of lab.origins) {
      expect(Buffer.compare(await readBlob(store, content.digest), content.bytes)).toBe(0)
    }
  })

  test('the next owner reads the backend when the first is dead', async () => {
    const lab = await started(originLab({ count: 3, replicas: 2 }))
    const [first, second] = owners(lab)
    await first!.kill()
    await second!.ingest.ensure(blob, { hop: false })
    expect(lab.backend.calls.read).toBe(1)
    expect(await second!.store.stat(content.digest)).toBeDefined()
  })

  test('the full disk of the first owner does not stop the second from reading the backend', async () => {
    const lab = await started(originLab({ count: 3, replicas: 2 }))
    const [first, second] = owners(lab)
    Object.assign(first!.ingest, { open: () => Promise.reject(appError('STORE_FULL')) })
    await expect(second!.ingest.ensure(blob, { hop: false })).resolves.toMatchObject({ size: content.bytes.length })
    expect(lab.backend.calls.read).toBe(1)
  })

  test('a read that began is finished when its only asker has left', async () => {
    const lab = await started(originLab({ count: 1, replicas: 1 }))
    const [origin] = lab.origins
    const leaving = new AbortController()
    const left = origin!.ingest.ensure(blob, { hop: false, signal: leaving.signal })
    leaving.abort()
    await expect(left).rejects.toMatchObject({ code: 'ABORTED' })
    await expect(origin!.ingest.ensure(blob, { hop: false })).resolves.toMatchObject({ size: content.bytes.length })
    expect(lab.backend.calls.read).toBe(1)
  })

  test('an origin that is no owner refuses a request that was forwarded once', async () => {
    const lab = await started(originLab({ count: 3, replicas: 1 }))
    await expect(outsider(lab).ingest.ensure(blob, { hop: true })).rejects.toMatchObject({ code: 'NOT_OWNER' })
    expect(lab.backend.calls.read).toBe(0)
  })

  test('two origins that each take the other for the first owner do not wait for each other', async () => {
    const members = someMembers(2)
    const ring = clusterOf(members, { replicas: 2 })
    const seenFrom = (id: string): Cluster => ({
      ...ring,
      liveOwners: () => members.toSorted((a, b) => Number(a.id === id) - Number(b.id === id)),
    })
    const lab = await started(originLab({ count: 2, replicas: 2, clusterFor: seenFrom }))
    await Promise.all(lab.origins.map(({ ingest }) => ingest.ensure(blob, { hop: false })))
    expect(lab.backend.calls.read).toBeLessThanOrEqual(2)
  })

  test('a blob that is nowhere is unknown, but an outage of the backend is an outage', async () => {
    const lab = await started(originLab({ count: 1, replicas: 1 }))
    const [origin] = lab.origins
    const missing = { ...blob, digest: randomContent(10, 3).digest }
    await expect(origin!.ingest.ensure(missing, { hop: false })).rejects.toMatchObject({ code: 'BLOB_UNKNOWN' })
    await expect(origin!.ingest.size(missing)).rejects.toMatchObject({ code: 'BLOB_UNKNOWN' })
    lab.backend.break()
    await expect(origin!.ingest.ensure(blob, { hop: false })).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' })
    lab.backend.heal()
    await expect(origin!.ingest.ensure(blob, { hop: false })).resolves.toMatchObject({ size: content.bytes.length })
  })

  test('wrong content is refused for a minute, twice as long the next time, and leaves nothing behind', async () => {
    const lab = await started(originLab({ count: 1, replicas: 1 }), randomContent(300_000, 8))
    const [origin] = lab.origins
    const ask = () => origin!.ingest.ensure(blob, { hop: false })
    await expect(ask()).rejects.toMatchObject({ code: 'BACKEND_CORRUPT' })
    await expect(ask()).rejects.toMatchObject({ code: 'DIGEST_REFUSED' })
    await lab.clock.advance(60_001)
    await expect(ask()).rejects.toMatchObject({ code: 'BACKEND_CORRUPT' })
    await lab.clock.advance(60_001)
    await expect(ask()).rejects.toMatchObject({ code: 'DIGEST_REFUSED' })
    await lab.clock.advance(60_001)
    await lab.inner.write(blobKey(content.digest), content.bytes, { size: content.bytes.length })
    await expect(ask()).resolves.toMatchObject({ digest: content.digest })
    expect(lab.backend.calls.read).toBe(3)
    expect(origin!.store.usedBytes).toBe(content.bytes.length)
  })

  test('one client that leaves does not stop the read that others wait for', async () => {
    const lab = await started(originLab({ count: 1, replicas: 1 }))
    const [origin] = lab.origins
    const leaving = new AbortController()
    const left = origin!.ingest.ensure(blob, { hop: false, signal: leaving.signal })
    const stays = origin!.ingest.ensure(blob, { hop: false })
    leaving.abort()
    await expect(left).rejects.toMatchObject({ code: 'ABORTED' })
    await expect(stays).resolves.toMatchObject({ size: content.bytes.length })
    expect(lab.backend.calls.read).toBe(1)
  })
})
