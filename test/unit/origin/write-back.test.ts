import { buffer } from 'node:stream/consumers'
import { describe, expect, test } from '@jest/globals'
import { parseRepository } from '../../../lib/core/index.ts'
import { blobKey } from '../../../services/origin/blob-keys.ts'
import { type LabOrigin, type OriginLab, type OriginLabInit, originLab, spareDelayMs } from '../../kit/origin-lab.ts'
import { powerLossStorage } from '../../kit/power-loss-storage.ts'
import { chunksOf, randomContent, readBlob } from '../../kit/store-fixture.ts'

const content = randomContent(200_000, 21)
const blob = { digest: content.digest, repository: parseRepository('team/app') }
const HOURS_MS = 8 * 60 * 60 * 1000

async function started(init: Partial<OriginLabInit> = {}): Promise<OriginLab> {
  const lab = originLab({ count: 3, replicas: 2, durability: 'replicas', ...init })
  for (const { store, writeBack } of lab.origins) {
    await writeBack.books.start()
    await store.start()
    await writeBack.work.start()
  }
  return lab
}

const owners = (lab: OriginLab): readonly LabOrigin[] =>
  lab.origins[0]!.cluster.owners(content.digest).map(({ id }) => lab.origins.find((each) => each.id === id)!)

const outsider = (lab: OriginLab): LabOrigin => lab.origins.find((each) => !owners(lab).includes(each))!

async function push(origin: LabOrigin): Promise<{ readonly size: number }> {
  const { id } = await origin.uploads.create('a client')
  await origin.uploads.append(id, chunksOf(content.bytes), { offset: 0 })
  return origin.uploads.commit(id, blob)
}

const tasksOf = ({ writeBack }: LabOrigin) => writeBack.journal.list().tasks
const inBackend = async (lab: OriginLab) => (await lab.inner.stat(blobKey(content.digest)))?.size

describe('a push to replicas', () => {
  test.each(['owner', 'outsider'] as const)(
    'at an %s is acknowledged while the backend is away, pulled meanwhile, and in the backend after hours',
    async (where) => {
      const lab = await started()
      lab.backend.break()
      await expect(push(where === 'owner' ? owners(lab)[1]! : outsider(lab))).resolves.toEqual({ size: 200_000 })
      expect(owners(lab).map((owner) => tasksOf(owner).length)).toEqual([1, 1])
      await lab.clock.advance(HOURS_MS)
      for (const origin of lab.origins) {
        await expect(origin.ingest.size(blob)).resolves.toBe(200_000)
        await origin.ingest.ensure(blob, { hop: false })
        expect(Buffer.compare(await readBlob(origin.store, content.digest), content.bytes)).toBe(0)
      }
      expect(await inBackend(lab)).toBeUndefined()
      lab.backend.heal()
      await lab.clock.advance(2 * 300_000)
      const object = await lab.inner.read(blobKey(content.digest))
      expect(Buffer.compare(await buffer(object!.body), content.bytes)).toBe(0)
      expect(lab.origins.map((origin) => tasksOf(origin).length)).toEqual([0, 0, 0])
    },
  )

  test('is written by the first owner at once, and only looked after by the second one', async () => {
    const lab = await started()
    await push(outsider(lab))
    await lab.clock.advance(0)
    expect(await inBackend(lab)).toBe(200_000)
    expect(owners(lab).map((owner) => tasksOf(owner).length)).toEqual([0, 1])
    await lab.clock.advance(spareDelayMs)
    expect(owners(lab).map((owner) => tasksOf(owner).length)).toEqual([0, 0])
    expect(lab.backend.calls.write).toBe(1)
  })

  test('is written by the second owner when the first is gone', async () => {
    const lab = await started()
    lab.backend.break()
    const [first, second] = owners(lab)
    await push(first!)
    await first!.kill()
    lab.backend.heal()
    await lab.clock.advance(spareDelayMs + 300_000)
    expect(await inBackend(lab)).toBe(200_000)
    expect(tasksOf(second!)).toEqual([])
  })

  test('takes the next origin in place of an owner that does not answer, with the task of the first', async () => {
    const lab = await started()
    const [first, second] = owners(lab)
    await first!.kill()
    lab.backend.break()
    await expect(push(second!)).resolves.toEqual({ size: 200_000 })
    expect(tasksOf(outsider(lab))).toHaveLength(1)
    expect(tasksOf(second!)).toHaveLength(1)
    const delays = [outsider(lab), second!].map(
      (origin) => tasksOf(origin)[0]!.dueAtMs - tasksOf(origin)[0]!.createdAtMs,
    )
    expect(delays).not.toContain(2 * spareDelayMs)
    expect(delays[1]).toBe(spareDelayMs)
  })

  test('waits for the backend where only one origin can keep it', async () => {
    const lab = await started()
    const [first, second] = owners(lab)
    await first!.kill()
    await outsider(lab).kill()
    lab.backend.break()
    await expect(push(second!)).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' })
    lab.backend.heal()
    await push(second!)
    expect(await inBackend(lab)).toBe(200_000)
  })

  test('waits for the backend where a blob has one owner', async () => {
    const lab = await started({ replicas: 1 })
    lab.backend.break()
    await expect(push(owners(lab)[0]!)).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' })
  })

  test.each([0, 199_999])('waits for the backend when no more than %i bytes may wait', async (maxWaitingBytes) => {
    const lab = await started({ maxWaitingBytes })
    lab.backend.break()
    await expect(push(owners(lab)[0]!)).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' })
    expect(lab.origins.flatMap(tasksOf)).toEqual([])
    expect(lab.origins.map(({ writeBack }) => writeBack.waitingBytes)).toEqual([0, 0, 0])
    lab.backend.heal()
    await push(owners(lab)[0]!)
    expect(await inBackend(lab)).toBe(200_000)
  })

  test('is there after a power loss of every owner, each of which had synced its task before', async () => {
    const disks = new Map(['m0', 'm1', 'm2'].map((id) => [id, powerLossStorage()]))
    const lab = await started({ journalFor: (id) => disks.get(id)!.storage })
    lab.backend.break()
    await push(owners(lab)[0]!)
    for (const { id, writeBack } of owners(lab)) {
      await writeBack.work.stop()
      disks.get(id)!.cutPower()
      await writeBack.books.stop()
      await writeBack.books.start()
    }
    expect(owners(lab).map((owner) => tasksOf(owner).length)).toEqual([1, 1])
  })

  test('of a journal that cannot be written is not acknowledged', async () => {
    const disks = new Map(['m0', 'm1', 'm2'].map((id) => [id, powerLossStorage()]))
    const lab = await started({ journalFor: (id) => disks.get(id)!.storage })
    lab.backend.break()
    for (const disk of disks.values()) disk.failWrites('undone')
    await expect(push(outsider(lab))).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' })
    await expect(push(owners(lab)[0]!)).rejects.toMatchObject({ retryable: true })
    for (const disk of disks.values()) disk.failWrites(false)
    await expect(push(outsider(lab))).resolves.toEqual({ size: 200_000 })
  })
})

describe('a blob that waits for the backend', () => {
  const waiting = async () => {
    const lab = await started()
    lab.backend.break()
    const [first, second] = owners(lab)
    await push(first!)
    return { lab, first: first!, second: second! }
  }

  test('is held against eviction, also after a restart, until the backend has it', async () => {
    const { lab, first } = await waiting()
    const holds = () => first.store.inspect().find(({ digest }) => digest === content.digest)?.holds
    expect(holds()).toEqual(['leased'])
    await first.writeBack.books.stop()
    await first.writeBack.books.start()
    expect(holds()).toEqual(['leased'])
    await first.writeBack.work.start()
    lab.backend.heal()
    await lab.clock.advance(300_000)
    expect(holds()).toEqual([])
  })

  test('is brought from another origin when its own copy is gone', async () => {
    const { lab, first, second } = await waiting()
    await first.store.delete(content.digest)
    await second.writeBack.work.stop()
    lab.backend.heal()
    await lab.clock.advance(300_000)
    expect(await inBackend(lab)).toBe(200_000)
    expect(Buffer.compare(await readBlob(first.store, content.digest), content.bytes)).toBe(0)
  })

  test('is a dead letter when no origin has it any more, and waits on while one of them does not answer', async () => {
    const { lab, first, second } = await waiting()
    await first.store.delete(content.digest)
    await second.store.delete(content.digest)
    await outsider(lab).kill()
    lab.backend.heal()
    await lab.clock.advance(300_000)
    expect(tasksOf(first)).toMatchObject([{ state: 'waiting', lastError: 'NO_HEALTHY_MEMBER' }])
    outsider(lab).restart()
    await lab.clock.advance(2 * 300_000)
    expect(tasksOf(first)).toMatchObject([{ state: 'dead', lastError: 'BLOB_LOST' }])
    await push(second)
    await first.writeBack.journal.retry(tasksOf(first)[0]?.id ?? 'done').catch(() => undefined)
    await lab.clock.advance(300_000)
    expect(await inBackend(lab)).toBe(200_000)
    expect(tasksOf(first)).toEqual([])
  })
})
