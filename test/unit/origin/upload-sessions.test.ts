import { buffer } from 'node:stream/consumers'
import { describe, expect, test } from '@jest/globals'
import { parseRepository } from '../../../lib/core/index.ts'
import { silentMetrics } from '../../../lib/telemetry/index.ts'
import { blobKey } from '../../../services/origin/blob-keys.ts'
import { uploadQuota, uploadRefusals } from '../../../services/origin/push/upload-quota.ts'
import { uploadSessions } from '../../../services/origin/push/upload-sessions.ts'
import { type LabOrigin, type OriginLab, originLab } from '../../kit/origin-lab.ts'
import { chunksOf, randomContent, readBlob } from '../../kit/store-fixture.ts'

const content = randomContent(200_000, 11)
const blob = { digest: content.digest, repository: parseRepository('team/app') }

async function started(count = 3, replicas = 2): Promise<OriginLab> {
  const lab = originLab({ count, replicas })
  for (const { store } of lab.origins) await store.start()
  return lab
}

const owners = (lab: OriginLab): readonly LabOrigin[] =>
  lab.origins[0]!.cluster.owners(content.digest).map(({ id }) => lab.origin(id))

const outsider = (lab: OriginLab): LabOrigin => lab.origins.find((each) => !owners(lab).includes(each))!

async function received(origin: LabOrigin): Promise<string> {
  const { id } = await origin.uploads.create('a client')
  await origin.uploads.append(id, chunksOf(content.bytes), { offset: 0 })
  return id
}

describe('closing an upload', () => {
  test.each(['owner', 'outsider'] as const)('at an %s puts it on every owner and into the backend', async (where) => {
    const lab = await started()
    const origin = where === 'owner' ? owners(lab)[1]! : outsider(lab)
    await expect(origin.uploads.commit(await received(origin), blob)).resolves.toEqual({ size: 200_000 })
    for (const owner of owners(lab)) {
      expect(Buffer.compare(await readBlob(owner.store, content.digest), content.bytes)).toBe(0)
    }
    expect(await outsider(lab).store.stat(content.digest)).toBeUndefined()
    expect(outsider(lab).store.usedBytes).toBe(0)
    expect((await lab.inner.stat(blobKey(content.digest)))?.size).toBe(200_000)
  })

  test('with the wrong digest is refused and the session stays', async () => {
    const lab = await started()
    const [origin] = owners(lab)
    const id = await received(origin!)
    const wrong = { ...blob, digest: randomContent(5, 1).digest }
    await expect(origin!.uploads.commit(id, wrong)).rejects.toMatchObject({ code: 'DIGEST_INVALID' })
    expect(await lab.inner.stat(blobKey(wrong.digest))).toBeUndefined()
    await expect(origin!.uploads.status(id)).resolves.toEqual({ id, size: 200_000 })
    await expect(origin!.uploads.commit(id, blob)).resolves.toEqual({ size: 200_000 })
  })

  test('goes on with the owners that live', async () => {
    const lab = await started()
    const [first, second] = owners(lab)
    const id = await received(first!)
    await second!.kill()
    await expect(first!.uploads.commit(id, blob)).resolves.toEqual({ size: 200_000 })
    expect(await second!.store.stat(content.digest)).toBeUndefined()
  })

  test('fails when the backend is away, keeps the session, and works once it is back', async () => {
    const lab = await started(2, 1)
    const origin = outsider(lab)
    const id = await received(origin)
    lab.backend.break()
    await expect(origin.uploads.commit(id, blob)).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' })
    await expect(origin.uploads.status(id)).resolves.toMatchObject({ size: 200_000 })
    lab.backend.heal()
    await expect(origin.uploads.commit(id, blob)).resolves.toEqual({ size: 200_000 })
  })

  test.each([1, 2])('stays where it was taken while none of %i owners can be reached', async (replicas) => {
    const lab = await started(replicas + 1, replicas)
    const origin = outsider(lab)
    const all = owners(lab)
    const id = await received(origin)
    await Promise.all(all.map((owner) => owner.kill()))
    await expect(origin.uploads.commit(id, blob)).resolves.toEqual({ size: 200_000 })
    // One failure takes nobody out, so that this origin did not become an owner in the place of another.
    expect(all.filter((owner) => !origin.cluster.isHealthy(owner.id))).toEqual([])
    expect(Buffer.compare(await readBlob(origin.store, content.digest), content.bytes)).toBe(0)
    expect((await lab.inner.stat(blobKey(content.digest)))?.size).toBe(200_000)
  })

  test.each([
    ['shorter', () => content.bytes.subarray(1)],
    ['of equal length', () => randomContent(200_000, 12).bytes],
  ])('replaces an object in the backend that is damaged and %s', async (_how, damagedBytes) => {
    const lab = await started()
    const bytes = damagedBytes()
    const key = blobKey(content.digest)
    await lab.inner.write(key, bytes, { size: bytes.length })
    const [first] = owners(lab)
    await expect(first!.ingest.ensure(blob, { hop: false })).rejects.toMatchObject({ code: 'BACKEND_CORRUPT' })
    await first!.uploads.commit(await received(first!), blob)
    const object = await lab.inner.read(key)
    expect(Buffer.compare(await buffer(object!.body), content.bytes)).toBe(0)
  })

  test('of a session that is not here says so', async () => {
    const lab = await started()
    const [origin] = lab.origins
    await expect(origin!.uploads.commit('nope', blob)).rejects.toMatchObject({ code: 'BLOB_UPLOAD_UNKNOWN' })
    await expect(origin!.uploads.append('nope', chunksOf(), { offset: 0 })).rejects.toMatchObject({
      code: 'BLOB_UPLOAD_UNKNOWN',
    })
  })

  test('keeps the upload from making room for others', async () => {
    const lab = await started()
    const { store } = lab.origins[0]!
    const seen: unknown[] = []
    const place = async () => {
      await lab.clock.advance(60 * 60_000)
      seen.push(...store.openUploads())
      return { kept: false }
    }
    const quota = uploadQuota(
      { store, refused: uploadRefusals(silentMetrics()) },
      { maxUploads: 9, maxBytes: 1_000_000, clientShare: 1 },
    )
    const nothing = () => undefined
    const names = { labelOf: () => Buffer.from('a label') }
    const rest = { names, onReceived: nothing, onStored: nothing }
    const sessions = uploadSessions({ store, placement: { place }, quota, ...rest })
    const { id } = await sessions.create('a client')
    await sessions.append(id, chunksOf(content.bytes), { offset: 0 })
    await sessions.commit(id, blob)
    expect(seen).toMatchObject([{ id, rest: 'used' }])
  })
})
