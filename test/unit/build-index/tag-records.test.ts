import { beforeEach, describe, expect, test } from '@jest/globals'
import { memoryBackend } from '../../../lib/backend/index.ts'
import { type FakeClock, fakeClock, seededRandom } from '../../../lib/base/index.ts'
import { type Descriptor, digestOf, parseRepository, parseTag } from '../../../lib/core/index.ts'
import type { AnnounceChange, TagChange } from '../../../services/build-index/announced.ts'
import { deletedPrefix, tagPrefix } from '../../../services/build-index/index-keys.ts'
import { compareVersions, nextVersion } from '../../../services/build-index/tag-version.ts'
import { type FaultyBackend, faultyBackend } from '../../kit/faulty-backend.ts'
import { type LocalIndex, localIndex, rememberMs } from '../../kit/local-index.ts'

const app = parseRepository('team/app')
const v1 = parseTag('v1')
const descriptor = (text: string): Descriptor => ({ digest: digestOf(Buffer.from(text)), mediaType: 'a/b', size: 3 })
const [one, two, three] = ['one', 'two', 'three'].map(descriptor) as [Descriptor, Descriptor, Descriptor]

let clock: FakeClock
let faulty: FaultyBackend
let here: LocalIndex
let announced: TagChange[]
/** What each tag was when its change was said to be made. */
let made: unknown[]
let onAnnounced: () => void

beforeEach(() => {
  clock = fakeClock()
  faulty = faultyBackend(memoryBackend())
  announced = []
  made = []
  onAnnounced = () => undefined
  const announce: AnnounceChange = async (change) => {
    announced.push(change)
    onAnnounced()
    return async () => void made.push((await here.tags.read(change.repository, change.tag))?.target)
  }
  here = localIndex({ backend: faulty.backend, clock, random: seededRandom(1), announce })
})

const at = (ms: number, cluster = 'there') => ({ atMs: clock.now() + ms, cluster })

describe('versions', () => {
  test('a change is later than the one before it, also when the clock of its writer was ahead', () => {
    const before = { atMs: 5000, cluster: 'a' }
    expect(nextVersion(before, 9000, 'b')).toEqual({ atMs: 9000, cluster: 'b' })
    expect(nextVersion(before, 1000, 'b')).toEqual({ atMs: 5001, cluster: 'b' })
  })

  test('two changes of the same millisecond are in the same order everywhere', () => {
    const [a, b] = [
      { atMs: 1, cluster: 'a' },
      { atMs: 1, cluster: 'b' },
    ]
    expect([compareVersions(a, b), compareVersions(b, a), compareVersions(a, a)].map(Math.sign)).toEqual([-1, 1, 0])
  })

  test('records of before versions are older than any other', async () => {
    const key = `${tagPrefix(app)}v1`
    const bytes = Buffer.from(JSON.stringify(one))
    await faulty.backend.write(key, bytes, { size: bytes.length })
    expect(await here.index.getTag(app, v1)).toEqual(one)
    const sent = { target: two, version: { atMs: 1, cluster: 'there' } }
    expect(await here.tags.take(app, v1, sent)).toEqual({ outcome: 'taken', version: sent.version })
    expect(await here.index.getTag(app, v1)).toEqual(two)
  })
})

describe('a tag of another cluster', () => {
  test('is taken when it is later, and once', async () => {
    await here.index.putTag(app, v1, { descriptor: one })
    const sent = { target: two, version: at(1) }
    expect(await here.tags.take(app, v1, sent)).toEqual({ outcome: 'taken', version: sent.version })
    expect(await here.tags.take(app, v1, sent)).toEqual({ outcome: 'same', version: sent.version })
    expect(await here.tags.read(app, v1)).toEqual(sent)
  })

  test('is not taken when the own one is later, whose version is the answer', async () => {
    await here.index.putTag(app, v1, { descriptor: one })
    const own = await here.tags.read(app, v1)
    expect(await here.tags.take(app, v1, { target: two, version: at(-1) })).toEqual({
      outcome: 'older',
      version: own?.version,
    })
    expect(await here.index.getTag(app, v1)).toEqual(one)
  })

  test('that comes while a later one is written loses', async () => {
    const later = { target: three, version: at(10) }
    const rival = localIndex({ backend: faulty.backend, clock: fakeClock(), random: seededRandom(2) })
    faulty.beforeNext('write', () => rival.tags.take(app, v1, later))
    const taking = here.tags.take(app, v1, { target: two, version: at(5) })
    await clock.advance(1000)
    expect(await taking).toEqual({ outcome: 'older', version: later.version })
    expect(await here.tags.read(app, v1)).toEqual(later)
  })

  test('that was deleted there is deleted here, and an older copy does not bring it back', async () => {
    await here.tags.take(app, v1, { target: one, version: at(1) })
    expect((await here.tags.take(app, v1, { target: undefined, version: at(3) })).outcome).toBe('taken')
    expect(await here.index.getTag(app, v1)).toBeUndefined()
    expect((await here.tags.take(app, v1, { target: two, version: at(2) })).outcome).toBe('older')
    expect((await here.tags.take(app, v1, { target: two, version: at(4) })).outcome).toBe('taken')
    expect(await here.index.getTag(app, v1)).toEqual(two)
  })
})

describe('deleted tags', () => {
  const tags = ['a', 'b', 'c', 'd', 'e'].map(parseTag)
  const put = async () => {
    for (const tag of tags) await here.index.putTag(app, tag, { descriptor: one })
  }

  test('are in no list, and do not make its pages shorter', async () => {
    await put()
    for (const tag of ['a', 'c'].map(parseTag)) await here.index.deleteTag(app, tag)
    expect(await here.tags.list(app, {})).toEqual({ tags: ['b', 'd', 'e'] })
    expect(await here.tags.list(app, { n: 2 })).toEqual({ tags: ['b', 'd'], next: 'd' })
    expect(await here.tags.list(app, { n: 2, last: 'd' })).toEqual({ tags: ['e'] })
    await here.index.putTag(app, parseTag('c'), { descriptor: two })
    expect(await here.tags.list(app, {})).toEqual({ tags: ['b', 'c', 'd', 'e'] })
  })

  test('are passed in large steps, however short the pages are', async () => {
    for (let i = 0; i < 300; i += 1) {
      const tag = parseTag(`gone${String(i).padStart(3, '0')}`)
      await here.tags.take(app, tag, { target: undefined, version: at(0) })
    }
    for (const tag of ['a', 'x', 'y', 'z'].map(parseTag)) await here.index.putTag(app, tag, { descriptor: one })
    const before = faulty.calls.list
    expect(await here.tags.list(app, { n: 2 })).toEqual({ tags: ['a', 'x'], next: 'x' })
    expect(await here.tags.list(app, { n: 2, last: parseTag('x') })).toEqual({ tags: ['y', 'z'] })
    expect(faulty.calls.list - before).toBeLessThanOrEqual(8)
  })

  test('are forgotten when they are old enough, and what was set again stays', async () => {
    await put()
    for (const tag of tags.slice(0, 4)) await here.index.deleteTag(app, tag)
    await here.index.putTag(app, parseTag('b'), { descriptor: two })
    await clock.advance(rememberMs + 1)
    for (let i = 0; i < 20; i += 1) {
      await here.index.putTag(app, parseTag('e'), { descriptor: one })
      await here.index.deleteTag(app, parseTag('e'))
    }
    expect((await faulty.backend.list(tagPrefix(app))).keys.map((key) => key.slice(-1))).toEqual(['b', 'e'])
    expect((await faulty.backend.list(deletedPrefix(app))).keys.map((key) => key.slice(-1))).toEqual(['e'])
    expect(await here.index.getTag(app, parseTag('b'))).toEqual(two)
  })
})

test('every change is announced before it is made, and told when it is', async () => {
  await here.index.putTag(app, v1, { descriptor: one })
  await here.tags.take(app, v1, { target: two, version: at(1) })
  await here.tags.take(app, v1, { target: three, version: at(-1) })
  await here.index.deleteTag(app, v1)
  const change = { repository: app, tag: v1 }
  expect(announced).toEqual([change, change, change])
  expect(made).toEqual([one, two, undefined])
})

test('a change that fails is not told to be made', async () => {
  onAnnounced = () => faulty.break()
  await expect(here.index.putTag(app, v1, { descriptor: one })).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' })
  expect(announced).toHaveLength(1)
  expect(made).toEqual([])
})
