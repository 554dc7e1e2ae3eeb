import { createHash } from 'node:crypto'
import { buffer } from 'node:stream/consumers'
import { describe, expect, test } from '@jest/globals'
import { appError, deferred } from '../../../lib/base/index.ts'
import { digestOf } from '../../../lib/core/index.ts'
import { chunksOf, putBlob, randomContent, readBlob } from '../../kit/store-fixture.ts'
import { KIB, type StoreWorld, stuck } from './store-world.ts'

/** What every store promises about uploads. */
export function uploadRules(world: StoreWorld): void {
  describe('uploads', () => {
    test('become the blob of their digest', async () => {
      const content = randomContent(5000)
      const upload = await world.store.createUpload()
      await upload.append(chunksOf(content.bytes.subarray(0, 1234)), { offset: 0 })
      await upload.append(chunksOf(content.bytes.subarray(1234)), { offset: 1234 })
      expect(await upload.digest('sha256')).toBe(content.digest)
      expect(await upload.commit(content.digest)).toMatchObject({ digest: content.digest, size: 5000 })
      expect(Buffer.compare(await readBlob(world.store, content.digest), content.bytes)).toBe(0)
      expect(await world.store.stat(content.digest)).toMatchObject({ size: 5000, usedAtMs: world.clock.now() })
      await expect(world.store.upload(upload.id)).rejects.toMatchObject({ code: 'BLOB_UPLOAD_UNKNOWN' })
    })

    test('bring their sidecars with them, which a blob that is there keeps', async () => {
      const content = randomContent(5000)
      const commit = async (label: string) => {
        const upload = await world.store.createUpload()
        await upload.append(chunksOf(content.bytes), { offset: 0 })
        return (await upload.commit(content.digest, { label: Buffer.from(label) })).beside
      }
      expect(await commit('first')).toEqual(['pieces', 'label'])
      expect(await commit('second')).toEqual([])
      expect(Buffer.from((await world.store.sidecar(content.digest, 'label')) ?? '').toString()).toBe('first')
      const pieces = createHash('sha256').update(content.bytes).digest()
      expect(await world.store.sidecar(content.digest, 'pieces')).toEqual(new Uint8Array(pieces))
    })

    test('have an id of letters, digits and dashes by which they are found again', async () => {
      const upload = await world.store.createUpload()
      expect(upload.id).toMatch(/^[A-Za-z0-9-]{16,}$/)
      expect(await world.store.upload(upload.id)).toBe(upload)
      for (const id of ['nothing-here', '../lock', '']) {
        await expect(world.store.upload(id)).rejects.toMatchObject({ code: 'BLOB_UPLOAD_UNKNOWN' })
      }
    })

    test('take very many small chunks and large ones alike', async () => {
      const content = randomContent(60 * KIB)
      const small = Array.from({ length: 3 * KIB }, (_, i) => content.bytes.subarray(i, i + 1))
      const upload = await world.store.createUpload()
      await upload.append(chunksOf(...small, new Uint8Array(0), content.bytes.subarray(3 * KIB)), { offset: 0 })
      await upload.commit(content.digest)
      expect(Buffer.compare(await readBlob(world.store, content.digest), content.bytes)).toBe(0)
    })

    test('may be empty', async () => {
      const empty = digestOf(new Uint8Array(0))
      await (await world.store.createUpload()).commit(empty)
      expect(await world.store.stat(empty)).toMatchObject({ size: 0 })
      expect(await readBlob(world.store, empty)).toHaveLength(0)
    })

    test('can be named by sha512', async () => {
      const { bytes } = randomContent(3000)
      const digest = digestOf(bytes, 'sha512')
      const upload = await world.store.createUpload()
      await upload.append(chunksOf(bytes), { offset: 0 })
      await upload.commit(digest)
      expect(Buffer.compare(await readBlob(world.store, digest), bytes)).toBe(0)
    })

    test('stay when the digest is wrong', async () => {
      const content = randomContent(100)
      const upload = await world.store.createUpload()
      await upload.append(chunksOf(content.bytes), { offset: 0 })
      await expect(upload.commit(randomContent(99).digest)).rejects.toMatchObject({ code: 'DIGEST_INVALID' })
      expect(await world.store.list()).toEqual([])
      await upload.commit(content.digest)
    })

    test('refuse an offset that is not their size, and a second writer', async () => {
      const upload = await world.store.createUpload()
      await expect(upload.append(chunksOf(), { offset: 1 })).rejects.toMatchObject({ code: 'UPLOAD_OFFSET' })
      const gate = deferred()
      const slow = (async function* () {
        await gate.promise
        yield new Uint8Array(10)
      })()
      const first = upload.append(slow, { offset: 0 })
      first.catch(() => undefined)
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
      const upload = await world.store.createUpload()
      await expect(upload.append(chunksOf(content.bytes.subarray(0, 1500), cut), { offset: 0 })).rejects.toBe(cut)
      expect(upload.size).toBe(1500)
      expect(world.store.usedBytes).toBe(1500)
      await upload.append(chunksOf(content.bytes.subarray(1500)), { offset: 1500 })
      await upload.commit(content.digest)
    })

    test('keep what came when the signal fires, even if the source hangs', async () => {
      const controller = new AbortController()
      const upload = await world.store.createUpload()
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
      const taken = deferred()
      const upload = await world.store.createUpload()
      const hangs = (async function* () {
        yield content.bytes.subarray(0, 2500)
        taken.resolve()
        await stuck()
      })()
      const append = upload.append(hangs, { offset: 0 })
      const interrupted = expect(append).rejects.toMatchObject({ code: 'ABORTED' })
      await taken.promise
      await world.restart()
      await interrupted
      const again = await world.store.upload(upload.id)
      expect(again.size).toBe(2500)
      expect(world.store.usedBytes).toBe(2500)
      expect(await again.digest('sha256')).toBe(digestOf(content.bytes.subarray(0, 2500)))
      await again.append(chunksOf(content.bytes.subarray(2500)), { offset: 2500 })
      await again.commit(content.digest)
      expect(Buffer.compare(await readBlob(world.store, content.digest), content.bytes)).toBe(0)
    })

    test('can be read while they are not committed', async () => {
      const { bytes } = randomContent(3000)
      const upload = await world.store.createUpload()
      await upload.append(chunksOf(bytes), { offset: 0 })
      expect(Buffer.compare(await buffer(upload.read()), bytes)).toBe(0)
      const range = { start: 100, end: 2000 }
      expect(Buffer.compare(await buffer(upload.read({ range })), bytes.subarray(100, 2000))).toBe(0)
    })

    test('give way to a complete blob that is already there', async () => {
      const content = randomContent(2000)
      await putBlob(world.store, content)
      await world.store.putSidecar(content.digest, 'pieces', Uint8Array.of(7))
      await putBlob(world.store, content)
      expect(world.store.usedBytes).toBe(2000)
      expect(await world.store.sidecar(content.digest, 'pieces')).toEqual(Buffer.of(7))
    })

    test('of one content may be committed at the same time', async () => {
      const content = randomContent(2000)
      const stored = await Promise.all([1, 2, 3, 4].map(() => putBlob(world.store, content)))
      expect(new Set(stored.map(({ digest }) => digest))).toEqual(new Set([content.digest]))
      expect(world.store.usedBytes).toBe(2000)
    })

    test('are gone after an abort, which may be repeated and interrupts an append', async () => {
      const upload = await world.store.createUpload()
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
      expect(world.store.usedBytes).toBe(0)
      const gone = { code: 'BLOB_UPLOAD_UNKNOWN' }
      await expect(world.store.upload(upload.id)).rejects.toMatchObject(gone)
      await expect(upload.append(chunksOf(), { offset: 0 })).rejects.toMatchObject(gone)
      await expect(upload.commit(digestOf(new Uint8Array(0)))).rejects.toMatchObject(gone)
    })

    test('that are idle are removed after their time', async () => {
      await world.remake({ uploadIdleMs: 60_000 })
      const idle = await world.store.createUpload()
      await idle.append(chunksOf(new Uint8Array(100)), { offset: 0 })
      await world.clock.advance(30_000)
      const fresh = await world.store.createUpload()
      await fresh.append(chunksOf(new Uint8Array(7)), { offset: 0 })
      await world.clock.advance(30_000)
      // The removal runs in the background; `stop` waits for it.
      await world.store.stop()
      expect(world.store.usedBytes).toBe(7)
    })
  })
}
