import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { fakeClock, seededRandom } from '../../../lib/base/index.ts'
import { parseDigest } from '../../../lib/core/index.ts'
import { type DiskStoreInit, diskStore, type ManagedStore } from '../../../lib/store/index.ts'
import { recordingMetrics, silentLogger } from '../../../lib/telemetry/index.ts'
import { cipherBytes } from '../../kit/cipher-bytes.ts'
import { eventually } from '../../kit/eventually.ts'
import { run } from '../../kit/run.ts'
import { chunksOf, contentOf, putBlob, readBlob, writePieces } from '../../kit/store-fixture.ts'
import { type TempFolder, tempFolder } from '../../kit/temp-folder.ts'

const MIB = 2 ** 20
const contents = Array.from({ length: 16 }, (_, i) => contentOf(cipherBytes(`volume ${i}`, 50_000), 10_000))

function newStore(volumes: readonly string[], init: Partial<DiskStoreInit> = {}) {
  const metrics = recordingMetrics()
  const components = { clock: fakeClock(), random: seededRandom(1), logger: silentLogger(), metrics }
  const limits = { capacityBytes: 2 ** 30, minFreeBytes: 0 }
  return Object.assign(diskStore(components, { folder: 'unused', volumes, ...limits, ...init }), { metrics })
}

async function twoFolders(folder: TempFolder): Promise<readonly [string, string]> {
  const volumes = [join(folder.path, 'one'), join(folder.path, 'two')] as const
  for (const volume of volumes) await mkdir(volume)
  return volumes
}

const digestsIn = async (volume: string) => {
  const names = await readdir(join(volume, 'blobs'), { recursive: true }).catch(() => [])
  return names.flatMap((name) => (name.endsWith('/data') ? [`sha256:${name.split('/').at(-2)}`] : []))
}

const held = async (store: ManagedStore) => (await store.list()).map(({ digest }) => digest).sort()
const all = contents.map(({ digest }) => digest).sort()

describe('a store on two volumes', () => {
  test('spreads blobs over them, and finds each again wherever it lies', async () => {
    await using folder = await tempFolder('volumes')
    const volumes = await twoFolders(folder)
    const store = newStore(volumes)
    await store.start()
    for (const content of contents) await putBlob(store, content)
    for (const volume of volumes) expect((await digestsIn(volume)).length).toBeGreaterThan(2)
    await store.stop()
    const turned = newStore([...volumes].reverse())
    await turned.start()
    expect(await held(turned)).toEqual(all)
    for (const { digest, bytes } of contents) expect(Buffer.compare(await readBlob(turned, digest), bytes)).toBe(0)
    await turned.stop()
  })

  test('gains and loses a volume from start to start without losing what lies elsewhere', async () => {
    await using folder = await tempFolder('volumes')
    const [one, two] = await twoFolders(folder)
    const alone = newStore([one])
    await alone.start()
    for (const content of contents.slice(0, 8)) await putBlob(alone, content)
    await alone.stop()
    const both = newStore([one, two])
    await both.start()
    for (const content of contents.slice(8)) await putBlob(both, content)
    expect(await held(both)).toEqual(all)
    await both.stop()
    const left = newStore([two])
    await left.start()
    expect(await held(left)).toEqual((await digestsIn(two)).sort())
    expect(left.trouble).toBeUndefined()
    await left.stop()
  })

  test('leaves out a disk that is not mounted, rather than fill the empty folder where it was', async () => {
    await using folder = await tempFolder('volumes')
    const [one, two] = await twoFolders(folder)
    const store = newStore([one, two])
    await store.start()
    for (const content of contents) await putBlob(store, content)
    await store.stop()
    await rename(two, `${two}-away`)
    await mkdir(two)
    await store.start()
    expect(await held(store)).toEqual((await digestsIn(one)).sort())
    expect(store.trouble).toContain(`volume ${two} is out`)
    expect(store.metrics.value('shoal_store_volume_up', { volume: two })).toBe(0)
    for (const content of contents) await putBlob(store, content)
    expect(await readdir(two)).toEqual([])
    await store.stop()

    // The volume comes back; a blob that is on both volumes is now kept once.
    await rm(two, { recursive: true })
    await rename(`${two}-away`, two)
    await store.start()
    expect(store.trouble).toBeUndefined()
    expect(await held(store)).toEqual(all)
    expect(store.usedBytes).toBe(16 * 50_000)
    expect([...(await digestsIn(one)), ...(await digestsIn(two))].sort()).toEqual(all)
    await store.stop()
  })

  test('goes on when one of them breaks: its blobs, partials and uploads are gone, the others are not', async () => {
    await using folder = await tempFolder('volumes')
    const [one, two] = await twoFolders(folder)
    const store = newStore([one, two])
    await store.start()
    for (const content of contents) await putBlob(store, content)
    const uploads = await Promise.all(contents.map(() => store.createUpload()))
    const partials = await Promise.all(contents.map((content) => store.openPartial(content.digest, content.map)))
    const onTwo = new Set(await digestsIn(two))
    await rename(two, `${two}-away`)

    const lost = contents.find(({ digest }) => onTwo.has(digest))!
    await expect(readBlob(store, lost.digest)).rejects.toThrow()
    expect(store.trouble).toContain(`volume ${two} is out: ENOENT`)
    expect(store.metrics.value('shoal_store_volume_up', { volume: two })).toBe(0)
    const kept = contents.filter(({ digest }) => !onTwo.has(digest))
    expect(await held(store)).toEqual(kept.map(({ digest }) => digest).sort())
    for (const { digest, bytes } of kept) expect(Buffer.compare(await readBlob(store, digest), bytes)).toBe(0)
    const ends = await Promise.allSettled(uploads.map((upload) => store.upload(upload.id)))
    expect(new Set(ends.map(({ status }) => status))).toEqual(new Set(['fulfilled', 'rejected']))
    const writes = await Promise.allSettled(partials.map((partial, i) => writePieces(partial, contents[i]!, [0])))
    expect(new Set(writes.map(({ status }) => status))).toEqual(new Set(['fulfilled', 'rejected']))

    // The lost blob is stored again, on the remaining volume.
    await putBlob(store, lost)
    expect(Buffer.compare(await readBlob(store, lost.digest), lost.bytes)).toBe(0)
    await store.stop()
  })

  test('tells of each blob, and of each part that an earlier run has left, that is gone with one of them', async () => {
    await using folder = await tempFolder('volumes')
    const [one, two] = await twoFolders(folder)
    const store = newStore([one, two])
    await store.start()
    for (const content of contents.slice(8)) await putBlob(store, content)
    for (const content of contents.slice(0, 8)) {
      await writePieces(await store.openPartial(content.digest, content.map), content, [0])
    }
    await store.stop()
    await store.start()
    const gone: string[] = []
    store.onGone((digest) => gone.push(digest))
    const [lost = ''] = await digestsIn(two)
    await rename(two, `${two}-away`)
    await expect(readBlob(store, parseDigest(lost))).rejects.toThrow()
    const here = async () => [...(await held(store)), ...(await store.partials()).map(({ digest }) => digest)]
    await eventually(async () => expect([...gone, ...(await here())].toSorted()).toEqual(all))
    for (const some of [contents.slice(0, 8), contents.slice(8)])
      expect(some.filter(({ digest }) => gone.includes(digest))).not.toEqual([])
    await store.stop()
  })

  test('does not start when none of them works', async () => {
    await using folder = await tempFolder('volumes')
    const file = join(folder.path, 'file')
    await writeFile(file, '')
    await expect(newStore([join(file, 'in'), join(file, 'too')]).start()).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('ENOTDIR'),
    })
  })
})

/** Only root may mount; for other users the tests report that they were skipped. */
const isRoot = process.platform === 'linux' && process.getuid?.() === 0
const asRoot = isRoot ? test : test.skip

async function smallDisk(path: string, size: string): Promise<TempFolder> {
  await mkdir(path, { recursive: true })
  await run('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', path])
  return {
    path,
    async [Symbol.asyncDispose]() {
      await run('umount', ['-l', path])
    },
  }
}

describe('a store on two small disks (needs root, to mount them)', () => {
  asRoot('measures each on itself, and puts what is new where there is room', async () => {
    await using folder = await tempFolder('disks')
    await using first = await smallDisk(join(folder.path, 'one'), '2m')
    await using second = await smallDisk(join(folder.path, 'two'), '24m')
    const [one, two] = [first.path, second.path]
    const store = newStore([one, two], { minFreeBytes: MIB })
    await store.start()
    const blobs = Array.from({ length: 12 }, (_, i) => contentOf(cipherBytes(`large ${i}`, MIB), MIB))
    for (const blob of blobs) await putBlob(store, blob).catch(() => undefined)
    expect((await held(store)).length).toBeGreaterThanOrEqual(9)
    expect((await digestsIn(two)).length).toBeGreaterThanOrEqual(8)
    expect(store.metrics.value('shoal_store_free_bytes', { volume: one })).toBeLessThanOrEqual(2 * MIB)
    await store.stop()
  })

  asRoot('evicts from the one that is full, not from the other', async () => {
    await using folder = await tempFolder('disks')
    await using first = await smallDisk(join(folder.path, 'one'), '4m')
    await using second = await smallDisk(join(folder.path, 'two'), '4m')
    const [one, two] = [first.path, second.path]
    const store = newStore([one, two])
    await store.start()
    for (let i = 0; i < 40; i += 1) await putBlob(store, contentOf(cipherBytes(`flow ${i}`, MIB / 2), MIB))
    for (const volume of [one, two]) expect((await digestsIn(volume)).length).toBeGreaterThan(3)
    expect(store.trouble).toBeUndefined()
    await store.stop()
  })

  asRoot('leaves out one that takes no writes any more, and says when all writes are refused', async () => {
    await using folder = await tempFolder('disks')
    await using first = await smallDisk(join(folder.path, 'one'), '8m')
    await using second = await smallDisk(join(folder.path, 'two'), '8m')
    const [one, two] = [first.path, second.path]
    const store = newStore([one, two])
    await store.start()
    await run('mount', ['-o', 'remount,ro', two])
    for (const content of contents) await putBlob(store, content).catch(() => putBlob(store, content))
    expect(store.trouble).toBe(`volume ${two} is out: EROFS`)
    expect(await held(store)).toEqual(all)

    const release = contents.map(({ digest }) => store.lease(digest))
    const upload = await store.createUpload()
    // Else its own bytes would make room for the next write.
    release.push(upload.lease())
    await expect(upload.append(chunksOf(new Uint8Array(9 * MIB)), { offset: 0 })).rejects.toMatchObject({
      code: 'STORE_FULL',
    })
    expect(store.trouble).toMatch(/writes are refused/)
    expect(store.metrics.value('shoal_store_refused_writes_total')).toBeGreaterThan(0)
    await upload.abort()
    for (const free of release) free()
    await putBlob(store, contentOf(cipherBytes('small', 10)))
    expect(store.trouble).not.toMatch(/writes are refused/)
    await store.stop()
  })
})
