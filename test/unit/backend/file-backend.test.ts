import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readdir, rename, truncate, utimes, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { setImmediate as immediate } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { layout } from '../../../lib/backend/file/layout.ts'
import { type Backend, fileBackend } from '../../../lib/backend/index.ts'
import { codeOf, ownIdentity, seededRandom, systemClock } from '../../../lib/base/index.ts'
import { recordingLogger } from '../../../lib/telemetry/index.ts'
import { type TempFolder, tempFolder } from '../../kit/temp-folder.ts'
import { zombieProcess } from '../../kit/zombie-process.ts'

let temp: TempFolder
let backend: Backend
const logger = recordingLogger()
const put = (key: string, value: string) => backend.write(key, Buffer.from(value), { size: value.length })

beforeEach(async () => {
  temp = await tempFolder('file')
  backend = fileBackend(
    { clock: systemClock(), random: seededRandom(1), logger },
    { folder: join(temp.path, 'backend') },
  )
  await backend.start()
})
afterEach(async () => {
  await temp[Symbol.asyncDispose]()
})

const files = () => layout(join(temp.path, 'backend'))

/** The identity of a process of this machine that has ended. */
async function deadOwner(): Promise<string> {
  const child = spawn(process.execPath, ['-e', ''])
  const pid = child.pid ?? 0
  await once(child, 'exit')
  const [boot, namespace] = (await ownIdentity()).split('.')
  return `${boot}.${namespace}.${pid}.123`
}

describe('a write that is aborted', () => {
  /** Writes are aborted after 0, 1, 2, ... turns of the event loop; so many turns are longer than a write. */
  const TURNS = 40

  test.each([{ ifAbsent: true }, {}])('at any moment, with %j, leaves no file and no lock', async (condition) => {
    const seen = new Set<string | undefined>()
    for (let turns = 0; turns < TURNS; turns += 1) {
      const controller = new AbortController()
      const source = Readable.from([Buffer.alloc(1000, 1), Buffer.alloc(1000, 2)])
      const options = { size: 2000, signal: controller.signal, ...condition }
      const writing = backend.write(`k${turns}`, source, options).then(() => 'written', codeOf)
      for (let turn = 0; turn < turns; turn += 1) await immediate()
      controller.abort()
      seen.add(await writing)
      expect([...(await readdir(files().staging)), ...(await readdir(files().locks))]).toEqual([])
    }
    expect(seen).toContain('ABORTED')
  })
})

describe('a backend whose disk is away', () => {
  beforeEach(async () => {
    await put('k', 'value')
    await rename(files().folder, `${files().folder}-away`)
  })

  test('is an outage for every call, never an absence', async () => {
    const outage = { code: 'BACKEND_UNAVAILABLE', retryable: true, detail: { errno: 'ENOENT' } }
    await expect(backend.stat('k')).rejects.toMatchObject(outage)
    await expect(backend.read('k')).rejects.toMatchObject(outage)
    await expect(backend.list('')).rejects.toMatchObject(outage)
    await expect(backend.delete('k')).rejects.toMatchObject(outage)
    await expect(put('k', 'new')).rejects.toMatchObject(outage)
  })

  test('is not made anew by a write when only an empty mount point is left', async () => {
    await mkdir(files().folder)
    await mkdir(files().staging)
    await mkdir(files().locks)
    await expect(put('a/b', 'new')).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' })
    expect((await readdir(files().folder)).sort()).toEqual(['.locks', '.staging'])
  })

  test('serves again once it is back', async () => {
    await expect(backend.stat('k')).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' })
    await rename(`${files().folder}-away`, files().folder)
    expect(await backend.stat('k')).toMatchObject({ size: 5 })
  })
})

describe('what a process that died has left', () => {
  test('its half-written files are removed at the next start, those of the living stay', async () => {
    const dead = join(files().staging, `${await deadOwner()}.aa`)
    const alive = join(files().staging, `${await ownIdentity()}.bb`)
    await writeFile(dead, 'half')
    await writeFile(alive, 'half')
    const next = fileBackend({ clock: systemClock(), random: seededRandom(2), logger }, { folder: files().folder })
    await next.start()
    expect(await readdir(files().staging)).toEqual([alive.slice(files().staging.length + 1)])
  })

  test('its lock is taken over at once, also when many wait for it', async () => {
    const { etag } = await put('k', 'old')
    await writeFile(files().lock('k'), `${await deadOwner()} token`)
    const others = [2, 3, 4].map((seed) =>
      fileBackend({ clock: systemClock(), random: seededRandom(seed), logger }, { folder: files().folder }),
    )
    const writes = others.map((other, i) => other.write('k', Buffer.from(`${i}`), { size: 1, ifMatch: etag }))
    const results = await Promise.allSettled(writes)
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    expect(await readdir(files().locks)).toEqual([])
    expect(logger.lines.filter(({ message }) => message === 'removed a lock that was left behind')).not.toEqual([])
  })

  test('its lock is taken over at once from a process that is dead and only waits for its parent', async () => {
    await using zombie = await zombieProcess()
    await writeFile(files().lock('k'), `${zombie.identity} token`)
    await put('k', 'new')
    expect(await readdir(files().locks)).toEqual([])
  })

  test('a removal of its lock that died as well does not stop the next one', async () => {
    await writeFile(files().lock('k'), `${await deadOwner()} token`)
    await writeFile(`${files().lock('k')}.token`, `${await deadOwner()} other`)
    await put('k', 'new')
    expect(await backend.stat('k')).toMatchObject({ size: 3 })
    expect(await readdir(files().locks)).toEqual([])
  })
})

describe('the lock of another process', () => {
  const foreign = 'abc.1.1.1 token'

  test('that is young is waited for, and that for 10 s at most', async () => {
    await writeFile(files().lock('k'), foreign)
    let nowMs = 0
    const sleep = async (delayMs: number) => {
      nowMs += delayMs
    }
    const clock = { ...systemClock(), monotonicMs: () => nowMs, sleep }
    const waiting = fileBackend({ clock, random: seededRandom(2), logger }, { folder: files().folder })
    const write = waiting.write('k', Buffer.from('x'), { size: 1 })
    await expect(write).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' })
    expect(nowMs).toBeGreaterThan(10_000)
    expect(nowMs).toBeLessThan(11_000)
    expect(await backend.stat('k')).toBeUndefined()
  })

  test('that is older than any holder may keep it is taken over', async () => {
    await writeFile(files().lock('k'), foreign)
    await utimes(files().lock('k'), Date.now() / 1000 - 31, Date.now() / 1000 - 31)
    await put('k', 'new')
    expect(await backend.stat('k')).toMatchObject({ size: 3 })
    expect(await readdir(files().locks)).toEqual([])
  })

  test('that is waited for can be given up', async () => {
    await writeFile(files().lock('k'), foreign)
    const controller = new AbortController()
    const write = backend.write('k', Buffer.from('x'), { size: 1, signal: controller.signal })
    setImmediate(() => controller.abort())
    await expect(write).rejects.toMatchObject({ code: 'ABORTED' })
  })
})

describe('files that somebody else touched', () => {
  test('an object that became shorter while it is read is an error, not a silent end', async () => {
    await backend.write('k', Buffer.alloc(4 * 1024 * 1024), { size: 4 * 1024 * 1024 })
    const found = await backend.read('k')
    await truncate(files().object('k'), 1024)
    await expect(buffer(found?.body ?? Readable.from([]))).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' })
  })
})

describe('folders', () => {
  test('a removed object leaves no empty folders behind', async () => {
    await put('a/b/c/d', 'x')
    await put('a/e', 'x')
    await backend.delete('a/b/c/d')
    expect(await readdir(join(files().objects, 'a'))).toEqual(['e@'])
    await backend.delete('a/e')
    expect(await readdir(files().objects)).toEqual([])
  })

  test('one with thousands of objects and folders is listed in order, a page at a time', async () => {
    const keys = Array.from({ length: 2300 }, (_, i) => (i % 3 === 0 ? `p/${i}/x` : `p/${i}`))
    await mkdir(join(files().objects, 'p'), { recursive: true })
    const make = async (key: string) => {
      await mkdir(dirname(files().object(key)), { recursive: true })
      await writeFile(files().object(key), '')
    }
    await Promise.all(keys.map(make))
    keys.sort()
    const seen: string[] = []
    for (let after: string | undefined = ''; after !== undefined; ) {
      const page: Awaited<ReturnType<Backend['list']>> = await backend.list('p/', { after, limit: 700 })
      seen.push(...page.keys)
      after = page.next
    }
    expect(seen).toEqual(keys)
    expect((await backend.list('', { limit: 5000 })).keys).toEqual(keys)
  })
})

test('a start where a file is in the way says what to do', async () => {
  await writeFile(join(temp.path, 'file'), '')
  const wrong = fileBackend(
    { clock: systemClock(), random: seededRandom(2), logger },
    { folder: join(temp.path, 'file') },
  )
  await expect(wrong.start()).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE', detail: { errno: 'ENOTDIR' } })
})
