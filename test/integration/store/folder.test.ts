import { spawn } from 'node:child_process'
import { mkdir, readdir, readFile, readlink, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { fakeClock, ownIdentity, seededRandom } from '../../../lib/base/index.ts'
import { diskStore } from '../../../lib/store/index.ts'
import { silentLogger } from '../../../lib/telemetry/index.ts'
import { exitOf } from '../../kit/child-process.ts'
import { eventually } from '../../kit/eventually.ts'
import { chunksOf, putBlob, randomContent, readBlob, writePieces } from '../../kit/store-fixture.ts'
import { strayFiles } from '../../kit/store-folder.ts'
import { tempFolder } from '../../kit/temp-folder.ts'
import { zombieProcess } from '../../kit/zombie-process.ts'

const newStore = (folder: string, clock = fakeClock()) =>
  diskStore(
    { clock, random: seededRandom(1), logger: silentLogger(), bootId: async () => 'a boot' },
    { folder, capacityBytes: 2 ** 20, minFreeBytes: 0, uploadIdleMs: 1000, handleIdleMs: 1000, maxOpenBlobs: 2 },
  )

describe('the folder of a store', () => {
  test('has one owner at a time, who is told apart from the dead', async () => {
    await using folder = await tempFolder('lock')
    const one = newStore(folder.path)
    const two = newStore(folder.path)
    await one.start()
    await expect(two.start()).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining(`process ${process.pid}; stop it`),
    })
    await one.stop()
    await two.start()
    await two.stop()
    expect(await strayFiles(folder.path)).toEqual([])
  })

  test('is taken over from a process that has died', async () => {
    await using folder = await tempFolder('lock')
    const child = spawn(process.execPath, ['-e', ''], { stdio: 'ignore' })
    await exitOf(child)
    const self = { pid: process.pid, startTicks: '1', bootId: 'a boot' }
    for (const text of [
      JSON.stringify({ pid: child.pid, startTicks: '1', bootId: 'a boot' }),
      JSON.stringify({ pid: child.pid, bootId: 'a boot' }),
      JSON.stringify(self),
      JSON.stringify({ pid: 1, bootId: 'another boot' }),
      '',
      '{"pid":"none"}',
    ]) {
      await writeFile(join(folder.path, 'lock'), text)
      const store = newStore(folder.path)
      await store.start()
      expect(await readFile(join(folder.path, 'lock'), 'utf8')).toContain(await ownIdentity())
      await store.stop()
    }
  })

  test('stays with a living process of an earlier version, which wrote its lock in another form', async () => {
    await using folder = await tempFolder('lock')
    const [, , , startTicks] = (await ownIdentity()).split('.')
    const text = JSON.stringify({ pid: process.pid, startTicks, bootId: 'a boot' })
    await writeFile(join(folder.path, 'lock'), text)
    await expect(newStore(folder.path).start()).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
    expect(await readFile(join(folder.path, 'lock'), 'utf8')).toBe(text)
  })

  test('is taken over from a process that is dead and only waits for its parent', async () => {
    await using folder = await tempFolder('lock')
    await using zombie = await zombieProcess()
    await writeFile(join(folder.path, 'lock'), `${zombie.identity} token`)
    const store = newStore(folder.path)
    await store.start()
    await store.stop()
    expect(await strayFiles(folder.path)).toEqual([])
  })

  test('is cleared of what was half made, and of nothing else', async () => {
    await using folder = await tempFolder('scan')
    const whole = randomContent(3000, 1)
    const begun = randomContent(3000, 2)
    const clock = fakeClock()
    const store = newStore(folder.path, clock)
    await store.start()
    await putBlob(store, whole)
    await writePieces(await store.openPartial(begun.digest, begun.map), begun, [1])
    const upload = await store.createUpload()
    await upload.append(chunksOf(begun.bytes), { offset: 0 })
    await store.stop()
    const other = randomContent(100, 3).digest.slice(7)
    await mkdir(join(folder.path, 'blobs', 'sha256', other.slice(0, 2), other), { recursive: true })
    const blob = join(folder.path, 'blobs/sha256', whole.digest.slice(7, 9), whole.digest.slice(7))
    await writeFile(join(blob, 'pieces.tmp'), 'half')
    await mkdir(join(folder.path, 'partial', `sha256-${other}`))
    await writeFile(join(folder.path, 'partial', `sha256-${other}`, 'meta'), '{"length":')
    await writeFile(join(folder.path, 'partial', begun.digest.replace(':', '-'), 'meta.tmp'), 'half')

    const again = newStore(folder.path, clock)
    await again.start()
    expect((await again.list()).map(({ digest }) => digest)).toEqual([whole.digest])
    expect((await again.partials()).map(({ digest }) => digest)).toEqual([begun.digest])
    expect((await again.upload(upload.id)).size).toBe(3000)
    await again.stop()
    expect(await strayFiles(folder.path)).toEqual([])
  })

  test('leaves alone what is not its own', async () => {
    await using folder = await tempFolder('scan')
    await mkdir(join(folder.path, 'blobs/sha256/zz'), { recursive: true })
    for (const name of ['blobs/README', 'blobs/sha256/zz/note', 'partial-note']) {
      await writeFile(join(folder.path, name), 'mine')
    }
    const store = newStore(folder.path)
    await store.start()
    await store.stop()
    expect(await readFile(join(folder.path, 'blobs/sha256/zz/note'), 'utf8')).toBe('mine')
  })

  test('loses idle uploads of an earlier run at the start', async () => {
    await using folder = await tempFolder('idle')
    const clock = fakeClock()
    const store = newStore(folder.path, clock)
    await store.start()
    const [old, fresh] = [await store.createUpload(), await store.createUpload()]
    for (const upload of [old, fresh]) await upload.append(chunksOf(new Uint8Array(10)), { offset: 0 })
    await store.stop()
    const longAgo = (clock.now() - 5000) / 1000
    await utimes(join(folder.path, 'uploads', old.id), longAgo, longAgo)
    const again = newStore(folder.path, clock)
    await again.start()
    await expect(again.upload(old.id)).rejects.toMatchObject({ code: 'BLOB_UPLOAD_UNKNOWN' })
    expect((await again.upload(fresh.id)).size).toBe(10)
    expect(again.usedBytes).toBe(10)
    await again.stop()
  })

  test('keeps the time of use on disk, at most once a minute', async () => {
    await using folder = await tempFolder('use')
    const clock = fakeClock()
    const content = randomContent(100)
    const store = newStore(folder.path, clock)
    await store.start()
    const { usedAtMs } = await putBlob(store, content)
    await clock.advance(59_000)
    await readBlob(store, content.digest)
    await store.stop()
    await store.start()
    expect(await store.stat(content.digest)).toMatchObject({ usedAtMs })
    await clock.advance(2000)
    await readBlob(store, content.digest)
    await store.stop()
    await store.start()
    expect(await store.stat(content.digest)).toMatchObject({ usedAtMs: usedAtMs + 61_000 })
    await store.stop()
  })

  test('is read at random through few open files, and idle ones are closed', async () => {
    await using folder = await tempFolder('files')
    const clock = fakeClock()
    const store = newStore(folder.path, clock)
    await store.start()
    const contents = [1, 2, 3, 4, 5].map((seed) => randomContent(2048, seed))
    for (const content of contents) await putBlob(store, content)
    const begun = randomContent(2048, 9)
    const partial = await store.openPartial(begun.digest, begun.map)
    await writePieces(partial, begun, [0])
    for (const content of contents) await store.readAt(content.digest, { start: 0, end: 10 })
    expect(await openFilesIn(folder.path)).toHaveLength(4)
    await clock.advance(1000)
    await eventually(async () => expect(await openFilesIn(folder.path)).toHaveLength(2))
    await writePieces(partial, begun, [1])
    await store.stop()
    expect(await openFilesIn(folder.path)).toEqual([])
  })
})

/** Paths below a folder that this process has open. */
async function openFilesIn(folder: string): Promise<string[]> {
  const links = await Promise.all(
    (await readdir('/proc/self/fd')).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')),
  )
  return links.filter((path) => path.startsWith(folder))
}
