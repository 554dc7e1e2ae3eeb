import { buffer } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { appError, deferred, type FakeClock } from '../../../lib/base/index.ts'
import { digestOf, PieceMap } from '../../../lib/core/index.ts'
import type { BlobStore, StoreInit } from '../../../lib/store/index.ts'
import type { RecordingMetrics } from '../../../lib/telemetry/index.ts'
import { chunksOf, contentOf, putBlob, randomContent, readBlob, writePieces } from '../../kit/store-fixture.ts'

/** One store under test and the world around it. */
export interface StoreSubject {
  /** Started. */
  readonly store: BlobStore
  readonly clock: FakeClock
  readonly metrics: RecordingMetrics
  /** Stops the store and starts it, or another one in its place. */
  restart(): Promise<BlobStore>
  /** Whatever lies about that no blob, partial or upload of the store accounts for. */
  leftovers(): Promise<readonly string[]>
  dispose(): Promise<void>
}

const KIB = 1024
const CAPACITY = 100 * KIB
const stuck = () => new Promise<never>(() => undefined)

/** What every BlobStore promises. `make` gives a started store on a fake clock. */
export function blobStoreSuite(name: string, make: (init: StoreInit) => Promise<StoreSubject>): void {
  describe(`blob store: ${name}`, () => {
    let subject: StoreSubject
    let store: BlobStore
    const evictable = new Map<string, boolean>()

    const use = async (init: Partial<StoreInit> = {}) => {
      subject = await make({
        capacityBytes: CAPACITY,
        minFreeBytes: 0,
        evictable: (digest) => evictable.get(digest) ?? true,
        ...init,
      })
      store = subject.store
    }

    beforeEach(async () => {
      evictable.clear()
      await use()
    })

    afterEach(async () => {
      await store.stop()
      const leftovers = await subject.leftovers()
      await subject.dispose()
      expect(leftovers).toEqual([])
    })

    describe('uploads', () => {
      test('become the blob of their digest', async () => {
        const content = randomContent(5000)
        const upload = await store.createUpload()
        await upload.append(chunksOf(content.bytes.subarray(0, 1234)), { offset: 0 })
        await upload.append(chunksOf(content.bytes.subarray(1234)), { offset: 1234 })
        expect(await upload.digest('sha256')).toBe(content.digest)
        expect(await upload.commit(content.digest)).toMatchObject({ digest: content.digest, size: 5000 })
        expect(Buffer.compare(await readBlob(store, content.digest), content.bytes)).toBe(0)
        expect(await store.stat(content.digest)).toMatchObject({ size: 5000, usedAtMs: subject.clock.now() })
        await expect(store.upload(upload.id)).rejects.toMatchObject({ code: 'BLOB_UPLOAD_UNKNOWN' })
      })

      test('have an id of letters, digits and dashes by which they are found again', async () => {
        const upload = await store.createUpload()
        expect(upload.id).toMatch(/^[A-Za-z0-9-]{16,}$/)
        expect(await store.upload(upload.id)).toBe(upload)
        for (const id of ['nothing-here', '../lock', '']) {
          await expect(store.upload(id)).rejects.toMatchObject({ code: 'BLOB_UPLOAD_UNKNOWN' })
        }
      })

      test('take very many small chunks and large ones alike', async () => {
        const content = randomContent(60 * KIB)
        const small = Array.from({ length: 3 * KIB }, (_, i) => content.bytes.subarray(i, i + 1))
        const upload = await store.createUpload()
        await upload.append(chunksOf(...small, new Uint8Array(0), content.bytes.subarray(3 * KIB)), { offset: 0 })
        await upload.commit(content.digest)
        expect(Buffer.compare(await readBlob(store, content.digest), content.bytes)).toBe(0)
      })

      test('may be empty', async () => {
        const empty = digestOf(new Uint8Array(0))
        await (await store.createUpload()).commit(empty)
        expect(await store.stat(empty)).toMatchObject({ size: 0 })
        expect(await readBlob(store, empty)).toHaveLength(0)
      })

      test('can be named by sha512', async () => {
        const { bytes } = randomContent(3000)
        const digest = digestOf(bytes, 'sha512')
        const upload = await store.createUpload()
        await upload.append(chunksOf(bytes), { offset: 0 })
        await upload.commit(digest)
        expect(Buffer.compare(await readBlob(store, digest), bytes)).toBe(0)
      })

      test('stay when the digest is wrong', async () => {
        const content = randomContent(100)
        const upload = await store.createUpload()
        await upload.append(chunksOf(content.bytes), { offset: 0 })
        await expect(upload.commit(randomContent(99).digest)).rejects.toMatchObject({ code: 'DIGEST_INVALID' })
        expect(await store.list()).toEqual([])
        await upload.commit(content.digest)
      })

      test('refuse an offset that is not their size, and a second writer', async () => {
        const upload = await store.createUpload()
        await expect(upload.append(chunksOf(), { offset: 1 })).rejects.toMatchObject({ code: 'UPLOAD_OFFSET' })
        const gate = deferred()
        const slow = (async function* () {
          await gate.promise
          yield new Uint8Array(10)
        })()
        const first = upload.append(slow, { offset: 0 })
        const conflict = { code: 'UPLOAD_CONFLICT' }
        await expect(upload.append(chunksOf(), { offset: 0 })).rejects.toMatchObject(conflict)
        await expect(upload.commit(digestOf(new Uint8Array(0)))).rejects.toMatchObject(conflict)
        gate.resolve()
        await first
        expect(upload.size).toBe(10)
      })

      test('keep what came when the source fails, and go on from there', async () => {
        const content = randomContent(4000)
        const cut = appError('PEER_CLOSED')
        const upload = await store.createUpload()
        await expect(upload.append(chunksOf(content.bytes.subarray(0, 1500), cut), { offset: 0 })).rejects.toBe(cut)
        expect(upload.size).toBe(1500)
        expect(store.usedBytes).toBe(1500)
        await upload.append(chunksOf(content.bytes.subarray(1500)), { offset: 1500 })
        await upload.commit(content.digest)
      })

      test('keep what came when the signal fires, even if the source hangs', async () => {
        const controller = new AbortController()
        const upload = await store.createUpload()
        const hangs = (async function* () {
          yield new Uint8Array(700)
          controller.abort()
          await stuck()
        })()
        await expect(upload.append(hangs, { offset: 0, signal: controller.signal })).rejects.toMatchObject({
          code: 'ABORTED',
        })
        expect(upload.size).toBe(700)
      })

      test('survive a restart, in the middle of an append too', async () => {
        const content = randomContent(6000)
        const upload = await store.createUpload()
        const hangs = (async function* () {
          yield content.bytes.subarray(0, 2500)
          await stuck()
        })()
        const append = upload.append(hangs, { offset: 0 })
        const interrupted = expect(append).rejects.toMatchObject({ code: 'ABORTED' })
        await subject.clock.advance(0)
        store = await subject.restart()
        await interrupted
        const again = await store.upload(upload.id)
        expect(again.size).toBe(2500)
        expect(store.usedBytes).toBe(2500)
        expect(await again.digest('sha256')).toBe(digestOf(content.bytes.subarray(0, 2500)))
        await again.append(chunksOf(content.bytes.subarray(2500)), { offset: 2500 })
        await again.commit(content.digest)
        expect(Buffer.compare(await readBlob(store, content.digest), content.bytes)).toBe(0)
      })

      test('can be read while they are not committed', async () => {
        const { bytes } = randomContent(3000)
        const upload = await store.createUpload()
        await upload.append(chunksOf(bytes), { offset: 0 })
        expect(Buffer.compare(await buffer(upload.read()), bytes)).toBe(0)
        const range = { start: 100, end: 2000 }
        expect(Buffer.compare(await buffer(upload.read({ range })), bytes.subarray(100, 2000))).toBe(0)
      })

      test('lose against a blob that is already there', async () => {
        const content = randomContent(2000)
        await putBlob(store, content)
        await store.putSidecar(content.digest, Uint8Array.of(7))
        await putBlob(store, content)
        expect(store.usedBytes).toBe(2000)
        expect(await store.sidecar(content.digest)).toEqual(Buffer.of(7))
      })

      test('of one content may be committed at the same time', async () => {
        const content = randomContent(2000)
        const stored = await Promise.all([1, 2, 3, 4].map(() => putBlob(store, content)))
        expect(new Set(stored.map(({ digest }) => digest))).toEqual(new Set([content.digest]))
        expect(store.usedBytes).toBe(2000)
      })

      test('are gone after an abort, which may be repeated and interrupts an append', async () => {
        const upload = await store.createUpload()
        const append = upload.append(
          (async function* () {
            yield new Uint8Array(10)
            await stuck()
          })(),
          { offset: 0 },
        )
        const interrupted = expect(append).rejects.toMatchObject({ code: 'ABORTED' })
        await Promise.all([upload.abort(), upload.abort()])
        await upload.abort()
        await interrupted
        expect(store.usedBytes).toBe(0)
        const gone = { code: 'BLOB_UPLOAD_UNKNOWN' }
        await expect(store.upload(upload.id)).rejects.toMatchObject(gone)
        await expect(upload.append(chunksOf(), { offset: 0 })).rejects.toMatchObject(gone)
        await expect(upload.commit(digestOf(new Uint8Array(0)))).rejects.toMatchObject(gone)
      })

      test('that nobody uses are removed after their time', async () => {
        await store.stop()
        await subject.dispose()
        await use({ uploadIdleMs: 60_000 })
        const idle = await store.createUpload()
        await idle.append(chunksOf(new Uint8Array(100)), { offset: 0 })
        await subject.clock.advance(30_000)
        const fresh = await store.createUpload()
        await subject.clock.advance(31_000)
        await idle.abort()
        await expect(store.upload(idle.id)).rejects.toMatchObject({ code: 'BLOB_UPLOAD_UNKNOWN' })
        expect(await store.upload(fresh.id)).toBe(fresh)
      })
    })

    describe('complete blobs', () => {
      test('are unknown until they are there', async () => {
        const { digest } = randomContent(10)
        const unknown = { code: 'BLOB_UNKNOWN' }
        expect(await store.stat(digest)).toBeUndefined()
        expect(await store.sidecar(digest)).toBeUndefined()
        await expect(store.open(digest)).rejects.toMatchObject(unknown)
        await expect(store.readAt(digest, { start: 0, end: 1 })).rejects.toMatchObject(unknown)
        await expect(store.putSidecar(digest, new Uint8Array(1))).rejects.toMatchObject(unknown)
        await store.delete(digest)
      })

      test('are read whole, by range and at random', async () => {
        const content = randomContent(9000)
        await putBlob(store, content)
        for (const range of [
          { start: 0, end: 9000 },
          { start: 17, end: 18 },
          { start: 5000, end: 9000 },
        ]) {
          const expected = content.bytes.subarray(range.start, range.end)
          expect(Buffer.compare(await readBlob(store, content.digest, range), expected)).toBe(0)
          expect(Buffer.compare(await store.readAt(content.digest, range), expected)).toBe(0)
        }
      })

      test('refuse a range outside of them', async () => {
        const content = randomContent(100)
        await putBlob(store, content)
        for (const range of [
          { start: 0, end: 101 },
          { start: -1, end: 5 },
          { start: 60, end: 50 },
        ]) {
          const refused = { code: 'RANGE_UNSATISFIABLE' }
          await expect(store.open(content.digest, { range })).rejects.toMatchObject(refused)
          await expect(store.readAt(content.digest, range)).rejects.toMatchObject(refused)
        }
      })

      test('go on being read after they were deleted', async () => {
        const content = randomContent(9000)
        await putBlob(store, content)
        await store.putSidecar(content.digest, new Uint8Array(32))
        const stream = await store.open(content.digest)
        await store.delete(content.digest)
        expect(await store.stat(content.digest)).toBeUndefined()
        expect(Buffer.compare(await buffer(stream), content.bytes)).toBe(0)
        expect(store.usedBytes).toBe(0)
        await store.delete(content.digest)
      })

      test('stop being read when the signal fires', async () => {
        const content = randomContent(100)
        await putBlob(store, content)
        const controller = new AbortController()
        const stream = await store.open(content.digest, { signal: controller.signal })
        const read = expect(buffer(stream)).rejects.toMatchObject({ name: 'AbortError' })
        controller.abort()
        await read
      })

      test('survive a restart with their size, sidecar and time of use', async () => {
        const content = randomContent(3000)
        await putBlob(store, content)
        const usedAtMs = subject.clock.now()
        await store.putSidecar(content.digest, Uint8Array.of(1, 2, 3))
        store = await subject.restart()
        expect(await store.list()).toEqual([{ digest: content.digest, size: 3000, usedAtMs }])
        expect(await store.sidecar(content.digest)).toEqual(Buffer.of(1, 2, 3))
        expect(store.usedBytes).toBe(3000)
      })

      test('lose their sidecar with themselves', async () => {
        const content = randomContent(100)
        await putBlob(store, content)
        await store.putSidecar(content.digest, Uint8Array.of(1))
        await store.delete(content.digest)
        await putBlob(store, content)
        expect(await store.sidecar(content.digest)).toBeUndefined()
      })
    })

    describe('partial blobs', () => {
      test('take pieces in any order and become the blob', async () => {
        const content = randomContent(5 * KIB + 1)
        const partial = await store.openPartial(content.digest, content.map)
        await writePieces(partial, content, [5, 0, 3])
        expect([...partial.have]).toEqual([0, 3, 5])
        expect(store.usedBytes).toBe(2 * KIB + 1)
        expect(Buffer.compare(await partial.read({ start: 3 * KIB, end: 4 * KIB }), content.piece(3))).toBe(0)
        await expect(partial.complete()).rejects.toMatchObject({ code: 'STORE_CORRUPT' })
        await writePieces(partial, content)
        expect(await partial.complete()).toMatchObject({ digest: content.digest, size: 5 * KIB + 1 })
        expect(await store.partials()).toEqual([])
        expect(store.usedBytes).toBe(5 * KIB + 1)
        expect(Buffer.compare(await readBlob(store, content.digest), content.bytes)).toBe(0)
      })

      test('are the same object while they are open', async () => {
        const { digest, map } = randomContent(3000)
        const [one, two] = await Promise.all([store.openPartial(digest, map), store.openPartial(digest, map)])
        expect(one).toBe(two)
        expect(await store.openPartial(digest, new PieceMap(3000, 1024))).toBe(one)
      })

      test('may be empty', async () => {
        const { digest, map } = randomContent(0)
        const partial = await store.openPartial(digest, map)
        await partial.complete()
        expect(await store.stat(digest)).toMatchObject({ size: 0 })
      })

      test('take each piece once, whoever writes it', async () => {
        const content = randomContent(2 * KIB)
        const partial = await store.openPartial(content.digest, content.map)
        const write = () => partial.write(1, content.piece(1), content.hash(1))
        await Promise.all([write(), write()])
        await write()
        expect(store.usedBytes).toBe(KIB)
      })

      test('refuse a piece of the wrong length', async () => {
        const content = randomContent(2 * KIB)
        const partial = await store.openPartial(content.digest, content.map)
        for (const [piece, length] of [
          [0, KIB - 1],
          [2, KIB],
          [-1, KIB],
        ] as const) {
          const write = partial.write(piece, new Uint8Array(length), content.hash(0))
          await expect(write).rejects.toMatchObject({ code: 'PIECE_INVALID' })
        }
        expect(store.usedBytes).toBe(0)
      })

      test('wake who waits for a piece', async () => {
        const content = randomContent(3 * KIB)
        const partial = await store.openPartial(content.digest, content.map)
        const seen: number[] = []
        const waits = [2, 0, 2].map((piece) => partial.whenVerified(piece).then(() => seen.push(piece)))
        await writePieces(partial, content, [2])
        await Promise.all([waits[0], waits[2]])
        expect(seen).toEqual([2, 2])
        await writePieces(partial, content, [0])
        await waits[1]
        await partial.whenVerified(0)
      })

      test('let who waits give up', async () => {
        const { digest, map } = randomContent(3 * KIB)
        const partial = await store.openPartial(digest, map)
        const controller = new AbortController()
        const wait = partial.whenVerified(0, { signal: controller.signal })
        const given = expect(wait).rejects.toMatchObject({ code: 'ABORTED' })
        controller.abort()
        await given
      })

      test('tell everybody why they were discarded', async () => {
        const content = randomContent(3 * KIB)
        const partial = await store.openPartial(content.digest, content.map)
        await writePieces(partial, content, [1])
        const reason = appError('METAINFO_FAILED')
        const waits = expect(partial.whenVerified(0)).rejects.toBe(reason)
        await Promise.all([partial.discard(reason), partial.discard(appError('UNKNOWN'))])
        await waits
        await expect(partial.whenVerified(1)).rejects.toBe(reason)
        await expect(partial.read({ start: 0, end: 1 })).rejects.toBe(reason)
        await expect(writePieces(partial, content, [0])).rejects.toBe(reason)
        await expect(partial.complete()).rejects.toBe(reason)
        expect(store.usedBytes).toBe(0)
        expect(await store.partials()).toEqual([])
        const fresh = await store.openPartial(content.digest, content.map)
        expect(fresh.have.count).toBe(0)
      })

      test('keep every piece over a restart', async () => {
        const content = randomContent(9 * KIB)
        const partial = await store.openPartial(content.digest, content.map)
        await writePieces(partial, content, [8, 1, 4])
        store = await subject.restart()
        expect(await store.partials()).toEqual([{ digest: content.digest, map: content.map }])
        expect(store.usedBytes).toBe(3 * KIB)
        const again = await store.openPartial(content.digest, content.map)
        expect([...again.have]).toEqual([1, 4, 8])
        expect(Buffer.compare(await again.read({ start: 8 * KIB, end: 9 * KIB }), content.piece(8))).toBe(0)
        await writePieces(again, content)
        await again.complete()
        expect(Buffer.compare(await readBlob(store, content.digest), content.bytes)).toBe(0)
      })

      test('of another geometry are refused once, and removed', async () => {
        const content = randomContent(4 * KIB)
        const other = new PieceMap(4 * KIB, 2 * KIB)
        const partial = await store.openPartial(content.digest, content.map)
        await writePieces(partial, content, [0])
        await expect(store.openPartial(content.digest, other)).rejects.toMatchObject({ code: 'STORE_CORRUPT' })
        await store.openPartial(content.digest, other)
        store = await subject.restart()
        await expect(store.openPartial(content.digest, content.map)).rejects.toMatchObject({ code: 'STORE_CORRUPT' })
        expect((await store.openPartial(content.digest, content.map)).have.count).toBe(0)
        expect(store.usedBytes).toBe(0)
      })

      test('can be read on after they are complete, and complete again', async () => {
        const content = randomContent(3 * KIB)
        const partial = await store.openPartial(content.digest, content.map)
        await writePieces(partial, content)
        const [one, two] = await Promise.all([partial.complete(), partial.complete()])
        expect(one).toEqual(two)
        await partial.discard(appError('UNKNOWN'))
        expect(Buffer.compare(await partial.read({ start: 0, end: 3 * KIB }), content.bytes)).toBe(0)
        await writePieces(partial, content, [0])
        expect(store.usedBytes).toBe(3 * KIB)
      })

      test('lose against a blob that is already there, and read on from it', async () => {
        const content = randomContent(3 * KIB)
        const partial = await store.openPartial(content.digest, content.map)
        await writePieces(partial, content)
        await putBlob(store, content)
        await partial.complete()
        expect(store.usedBytes).toBe(3 * KIB)
        expect(Buffer.compare(await partial.read({ start: 0, end: 3 * KIB }), content.bytes)).toBe(0)
      })
    })

    describe('room', () => {
      const tenth = (seed: number) => randomContent(CAPACITY / 10, seed)

      test('is made by evicting the least recently used, down to the low watermark', async () => {
        const contents = Array.from({ length: 9 }, (_, seed) => tenth(seed))
        for (const content of contents) {
          await subject.clock.advance(1000)
          await putBlob(store, content)
        }
        await subject.clock.advance(1000)
        await store.readAt(contents[0]!.digest, { start: 0, end: 1 })
        await putBlob(store, tenth(100))
        const left = new Set((await store.list()).map(({ digest }) => digest))
        expect(left.has(contents[0]!.digest)).toBe(true)
        expect([1, 2].map((i) => left.has(contents[i]!.digest))).toEqual([false, false])
        expect(store.usedBytes).toBe((CAPACITY / 10) * 8)
        expect(subject.metrics.value('shoal_store_evictions_total', { kind: 'blob' })).toBe(2)
        expect(subject.metrics.value('shoal_store_used_bytes')).toBe(store.usedBytes)
        expect(subject.metrics.value('shoal_store_blobs')).toBe(8)
        expect(subject.metrics.value('shoal_store_capacity_bytes')).toBe(CAPACITY)
      })

      test('is never made from what is leased, in use or forbidden', async () => {
        const [leased, read, forbidden, loose] = [1, 2, 3, 4].map(tenth) as [
          ReturnType<typeof tenth>,
          ReturnType<typeof tenth>,
          ReturnType<typeof tenth>,
          ReturnType<typeof tenth>,
        ]
        for (const content of [leased, read, forbidden, loose]) await putBlob(store, content)
        const release = store.lease(leased.digest)
        const stream = await store.open(read.digest)
        evictable.set(forbidden.digest, false)
        await putBlob(store, randomContent(CAPACITY * 0.55, 50))
        const left = (await store.list()).map(({ digest }) => digest)
        for (const content of [leased, read, forbidden]) expect(left).toContain(content.digest)
        expect(left).not.toContain(loose.digest)
        release()
        release()
        stream.destroy()
      })

      test('comes from idle partials only when no blob is left', async () => {
        const idle = randomContent(CAPACITY / 10, 1)
        const waited = randomContent(CAPACITY / 10, 2)
        const one = await store.openPartial(idle.digest, idle.map)
        const two = await store.openPartial(waited.digest, waited.map)
        await writePieces(one, idle, [0, 1, 2, 3, 4])
        await writePieces(two, waited, [0, 1, 2, 3, 4])
        const controller = new AbortController()
        const wait = two.whenVerified(9, { signal: controller.signal })
        const given = expect(wait).rejects.toMatchObject({ code: 'ABORTED' })
        const release = store.lease(randomContent(CAPACITY * 0.82, 3).digest)
        await putBlob(store, randomContent(CAPACITY * 0.82, 3))
        expect((await store.partials()).map(({ digest }) => digest)).toEqual([waited.digest])
        expect(subject.metrics.value('shoal_store_evictions_total', { kind: 'partial' })).toBe(1)
        await expect(writePieces(one, idle, [0])).rejects.toMatchObject({ code: 'STORE_FULL' })
        controller.abort()
        await given
        release()
      })

      test('from partials of an earlier run counts, too', async () => {
        const content = randomContent(CAPACITY / 2, 1)
        await writePieces(await store.openPartial(content.digest, content.map), content)
        store = await subject.restart()
        await putBlob(store, randomContent(CAPACITY * 0.6, 2))
        expect(await store.partials()).toEqual([])
        expect(store.usedBytes).toBe(CAPACITY * 0.6)
      })

      test('that cannot be made is STORE_FULL, and nothing is lost', async () => {
        const content = randomContent(CAPACITY * 0.7, 1)
        await putBlob(store, content)
        const release = store.lease(content.digest)
        const large = randomContent(CAPACITY / 2, 2, CAPACITY / 2)
        const partial = await store.openPartial(large.digest, large.map)
        const full = { code: 'STORE_FULL' }
        await expect(writePieces(partial, large)).rejects.toMatchObject(full)
        expect(partial.have.count).toBe(0)
        const upload = await store.createUpload()
        await expect(upload.append(chunksOf(large.bytes), { offset: 0 })).rejects.toMatchObject(full)
        expect(upload.size).toBe(0)
        expect(store.usedBytes).toBe(CAPACITY * 0.7)
        release()
        await upload.append(chunksOf(large.bytes), { offset: 0 })
        await upload.commit(large.digest)
        expect(await store.stat(content.digest)).toBeUndefined()
      })

      test('is kept by a lease from the partial to the blob it becomes', async () => {
        const content = randomContent(CAPACITY / 5, 1)
        const partial = await store.openPartial(content.digest, content.map)
        const release = partial.lease()
        await writePieces(partial, content)
        await partial.complete()
        await putBlob(store, randomContent(CAPACITY * 0.78, 2))
        expect(await store.stat(content.digest)).toBeDefined()
        release()
        await putBlob(store, contentOf(Uint8Array.of(1)))
        expect(await store.stat(content.digest)).toBeUndefined()
      })
    })

    test('writes nothing after its stop, which may be repeated', async () => {
      const content = randomContent(2 * KIB)
      const partial = await store.openPartial(content.digest, content.map)
      await store.stop()
      await store.stop()
      await expect(writePieces(partial, content, [0])).rejects.toMatchObject({ code: 'SHUTTING_DOWN' })
      await expect(store.createUpload()).rejects.toMatchObject({ code: 'SHUTTING_DOWN' })
      expect(subject.clock.pending).toBe(0)
    })
  })
}
