import { mkdir, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from '@jest/globals'
import { fakeClock, hasCode, seededRandom } from '../../../lib/base/index.ts'
import { diskStore } from '../../../lib/store/index.ts'
import { silentLogger } from '../../../lib/telemetry/index.ts'
import { cipherBytes } from '../../kit/cipher-bytes.ts'
import { run } from '../../kit/run.ts'
import { chunksOf, contentOf, putBlob, readBlob, writePieces } from '../../kit/store-fixture.ts'
import { tempFolder } from '../../kit/temp-folder.ts'

const MIB = 2 ** 20
const folder = await tempFolder('full')

/** Only root may mount; for other users the tests report that they were skipped. */
async function mountSmallDisk(): Promise<boolean> {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false
  return run('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', folder.path]).then(
    () => true,
    () => false,
  )
}

const mounted = await mountSmallDisk()
const onSmallDisk = mounted ? test : test.skip

afterAll(async () => {
  if (mounted) await run('umount', [folder.path])
  await folder[Symbol.asyncDispose]()
})

async function openStore(name: string) {
  const store = diskStore(
    { clock: fakeClock(), random: seededRandom(1), logger: silentLogger() },
    { folder: join(folder.path, name), capacityBytes: 2 ** 30, minFreeBytes: 0 },
  )
  await store.start()
  return Object.assign(store, {
    async [Symbol.asyncDispose]() {
      await store.stop()
      await rm(join(folder.path, name), { recursive: true })
    },
  })
}

/** Another program takes the rest of the disk; the store cannot know. */
async function fillDisk(): Promise<AsyncDisposable & { readonly bytes: number }> {
  const path = join(folder.path, 'junk')
  try {
    await writeFile(path, new Uint8Array(8 * MIB))
  } catch (err) {
    if (!hasCode(err, 'ENOSPC')) throw err
  }
  const { size: bytes } = await stat(path)
  return { bytes, [Symbol.asyncDispose]: () => rm(path) }
}

const blobOf = (name: string, length: number) => contentOf(cipherBytes(name, length), MIB)

describe('on a disk that is full (needs root, to mount a small one)', () => {
  onSmallDisk('a start that cannot write its lock leaves nothing behind', async () => {
    const store = diskStore(
      { clock: fakeClock(), random: seededRandom(1), logger: silentLogger() },
      { folder: join(folder.path, 'locked'), capacityBytes: 2 ** 30, minFreeBytes: 0 },
    )
    await mkdir(join(folder.path, 'locked'))
    {
      await using junk = await fillDisk()
      expect(junk.bytes).toBeGreaterThan(0)
      await expect(store.start()).rejects.toMatchObject({ code: 'ENOSPC' })
    }
    expect(await readdir(join(folder.path, 'locked'))).toEqual([])
    await rm(join(folder.path, 'locked'), { recursive: true })
  })

  onSmallDisk('an upload evicts and goes on', async () => {
    await using store = await openStore('evicts')
    const old = blobOf('old', 3 * MIB)
    await putBlob(store, old)
    await using junk = await fillDisk()
    expect(junk.bytes).toBeGreaterThan(MIB)
    const fresh = blobOf('fresh', 2 * MIB)
    await putBlob(store, fresh)
    expect(await store.stat(old.digest)).toBeUndefined()
    expect(Buffer.compare(await readBlob(store, fresh.digest), fresh.bytes)).toBe(0)
  })

  onSmallDisk('an upload that finds no room is told so, keeps what came and goes on later', async () => {
    await using store = await openStore('keeps')
    const content = blobOf('kept', 3 * MIB)
    const upload = await store.createUpload()
    await upload.append(chunksOf(content.piece(0)), { offset: 0 })
    {
      await using junk = await fillDisk()
      expect(junk.bytes).toBeGreaterThan(MIB)
      await truncate(join(folder.path, 'junk'), junk.bytes - 300_000)
      const rest = chunksOf(content.bytes.subarray(MIB))
      await expect(upload.append(rest, { offset: MIB })).rejects.toMatchObject({ code: 'STORE_FULL' })
    }
    expect(store.usedBytes).toBe(upload.size)
    expect((await stat(join(folder.path, 'keeps', 'uploads', upload.id))).size).toBe(upload.size)
    await upload.append(chunksOf(content.bytes.subarray(upload.size)), { offset: upload.size })
    await upload.commit(content.digest)
  })

  onSmallDisk('a piece that finds no room is refused before it is noted, and can be written later', async () => {
    await using store = await openStore('pieces')
    const content = blobOf('pieces', 3 * MIB)
    const partial = await store.openPartial(content.digest, content.map)
    await writePieces(partial, content, [0])
    {
      await using junk = await fillDisk()
      expect(junk.bytes).toBeGreaterThan(MIB)
      await expect(writePieces(partial, content, [1])).rejects.toMatchObject({ code: 'STORE_FULL' })
      const records = await readFile(join(folder.path, 'pieces', 'partial', content.digest.replace(':', '-'), 'map'))
      expect([records[32], records[64 + 32]]).toEqual([1, 0])
      expect(partial.have.count).toBe(1)
      expect(store.usedBytes).toBe(MIB)
    }
    await writePieces(partial, content)
    await partial.complete()
  })

  onSmallDisk('a disk that fills up as it is used stops at what must stay free', async () => {
    const store = diskStore(
      { clock: fakeClock(), random: seededRandom(1), logger: silentLogger() },
      { folder: join(folder.path, 'free'), capacityBytes: 2 ** 30, minFreeBytes: 4 * MIB },
    )
    await store.start()
    const [one, two] = [blobOf('one', 2 * MIB), blobOf('two', 3 * MIB)]
    await putBlob(store, one)
    await putBlob(store, two)
    expect((await store.list()).map(({ digest }) => digest)).toEqual([two.digest])
    await expect(putBlob(store, blobOf('three', 5 * MIB))).rejects.toMatchObject({ code: 'STORE_FULL' })
    await store.stop()
    await rm(join(folder.path, 'free'), { recursive: true })
  })
})
