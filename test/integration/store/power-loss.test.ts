import { cp, open, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { fakeClock, seededRandom } from '../../../lib/base/index.ts'
import { diskStore } from '../../../lib/store/index.ts'
import { silentLogger } from '../../../lib/telemetry/index.ts'
import { eventually } from '../../kit/eventually.ts'
import { powerLossFolder } from '../../kit/power-loss-folder.ts'
import { chunksOf, randomContent, readBlob, writePieces } from '../../kit/store-fixture.ts'
import { tempFolder } from '../../kit/temp-folder.ts'

const content = randomContent(10 * 1024)
const own = join('partial', content.digest.replace(':', '-'))
const syncMs = 5000

async function openStore(folder: string, bootId: string | undefined) {
  const clock = fakeClock()
  const store = diskStore(
    { clock, random: seededRandom(1), logger: silentLogger(), bootId: async () => bootId },
    { folder, capacityBytes: 2 ** 20, minFreeBytes: 0, syncMs },
  )
  await store.start()
  return Object.assign(store, { clock, [Symbol.asyncDispose]: () => store.stop() })
}

async function wipePiece(folder: string, piece: number): Promise<void> {
  const file = await open(join(folder, own, 'data'), 'r+')
  await file.write(new Uint8Array(1024), 0, 1024, piece * 1024)
  await file.close()
}

const stateOf = async (folder: string, piece: number) => (await readFile(join(folder, own, 'map')))[piece * 64 + 32]

/**
 * A folder as a crash leaves it: pieces 0 to 4 are synced, 5 to 9 are not; one piece of each group has lost its bytes.
 * A synced piece cannot really lose them: this one shows that synced pieces are not read again.
 */
async function crashed(image: string): Promise<void> {
  await using folder = await tempFolder('power')
  await using store = await openStore(folder.path, 'first boot')
  const partial = await store.openPartial(content.digest, content.map)
  await writePieces(partial, content, [0, 1, 2, 3, 4])
  await store.clock.advance(syncMs)
  await eventually(async () => expect(await stateOf(folder.path, 0)).toBe(2))
  await writePieces(partial, content, [5, 6, 7, 8, 9])
  await cp(folder.path, image, { recursive: true })
  await rm(join(image, 'lock'))
  await wipePiece(image, 2)
  await wipePiece(image, 7)
}

describe('what a partial blob trusts', () => {
  test.each([
    ['after kill -9: everything, without reading it again', 'first boot', [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]],
    ['after a power loss: what was synced, and what still has its hash', 'second boot', [0, 1, 2, 3, 4, 5, 6, 8, 9]],
    ['where boots have no name: the same', undefined, [0, 1, 2, 3, 4, 5, 6, 8, 9]],
  ])('%s', async (_, bootId, expected) => {
    await using image = await tempFolder('image')
    await crashed(image.path)
    await using store = await openStore(image.path, bootId)
    const partial = await store.openPartial(content.digest, content.map)
    expect([...partial.have]).toEqual(expected)
    expect(store.usedBytes).toBe(expected.length * 1024)
    await writePieces(partial, content, [7])
    expect(store.usedBytes).toBe(10 * 1024)
  })

  test('once looked at: everything, in the same boot', async () => {
    await using image = await tempFolder('image')
    await crashed(image.path)
    {
      await using store = await openStore(image.path, 'second boot')
      await store.openPartial(content.digest, content.map)
    }
    await wipePiece(image.path, 9)
    await using again = await openStore(image.path, 'third boot')
    expect((await again.openPartial(content.digest, content.map)).have.has(9)).toBe(true)
  })

  test('of a data file that lost its length or itself: nothing that is not there', async () => {
    await using image = await tempFolder('image')
    await crashed(image.path)
    const data = await open(join(image.path, own, 'data'), 'r+')
    await data.truncate(6 * 1024)
    await data.close()
    {
      await using store = await openStore(image.path, 'second boot')
      const partial = await store.openPartial(content.digest, content.map)
      expect([...partial.have]).toEqual([0, 1, 2, 3, 4, 5])
      await writePieces(partial, content, [9])
    }
    await rm(join(image.path, own, 'data'))
    await using again = await openStore(image.path, 'second boot')
    expect(await again.partials()).toEqual([])
    expect((await again.openPartial(content.digest, content.map)).have.count).toBe(0)
  })
})

test('a partial blob that was never synced is made anew after a power loss', async () => {
  await using folder = await tempFolder('power')
  await using image = await tempFolder('image')
  using disk = await powerLossFolder(folder.path)
  await using store = await openStore(folder.path, 'first boot')
  await writePieces(await store.openPartial(content.digest, content.map), content, [0, 1])
  await disk.flush()
  await disk.leave(image.path)
  // The name of the note reached the disk, its bytes did not.
  await writeFile(join(image.path, own, 'meta'), '')
  await rm(join(image.path, 'lock'), { force: true })
  await using after = await openStore(image.path, 'second boot')
  expect(await after.partials()).toEqual([])
  const partial = await after.openPartial(content.digest, content.map)
  await writePieces(partial, content)
  await partial.complete()
  expect(Buffer.compare(await readBlob(after, content.digest), content.bytes)).toBe(0)
})

describe('an upload that was committed, after a power loss right then,', () => {
  test.each([
    ['nothing that was not synced', false],
    ['everything up to the commit', true],
  ])('is a whole blob and no upload any more, where the disk has %s', async (_, flushed) => {
    await using folder = await tempFolder('power')
    await using image = await tempFolder('image')
    using disk = await powerLossFolder(folder.path)
    await using store = await openStore(folder.path, 'first boot')
    const upload = await store.createUpload()
    await upload.append(chunksOf(content.bytes), { offset: 0 })
    if (flushed) await disk.flush()
    await upload.commit(content.digest)
    await disk.leave(image.path)
    await rm(join(image.path, 'lock'), { force: true })
    await using after = await openStore(image.path, 'second boot')
    expect(await after.stat(content.digest)).toMatchObject({ size: content.bytes.length })
    expect(Buffer.compare(await readBlob(after, content.digest), content.bytes)).toBe(0)
    await expect(after.upload(upload.id)).rejects.toMatchObject({ code: 'BLOB_UPLOAD_UNKNOWN' })
  })

  test('has the sidecar that was put beside it', async () => {
    await using folder = await tempFolder('power')
    await using image = await tempFolder('image')
    using disk = await powerLossFolder(folder.path)
    await using store = await openStore(folder.path, 'first boot')
    const upload = await store.createUpload()
    await upload.append(chunksOf(content.bytes), { offset: 0 })
    await upload.commit(content.digest)
    await store.putSidecar(content.digest, 'pieces', content.hash(0))
    await disk.leave(image.path)
    await rm(join(image.path, 'lock'), { force: true })
    await using after = await openStore(image.path, 'second boot')
    expect(await after.sidecar(content.digest, 'pieces')).toEqual(Buffer.from(content.hash(0)))
  })
})
