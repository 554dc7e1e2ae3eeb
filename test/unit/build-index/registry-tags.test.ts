import { beforeEach, describe, expect, test } from '@jest/globals'
import { memoryBackend } from '../../../lib/backend/index.ts'
import { appError, type FakeClock, fakeClock, seededRandom } from '../../../lib/base/index.ts'
import { type Descriptor, digestOf, parseRepository, parseTag } from '../../../lib/core/index.ts'
import { type RegistryTags, registryTags } from '../../../services/build-index/registry-tags.ts'
import type { TagRecords } from '../../../services/build-index/tag-records.ts'
import { type FaultyBackend, faultyBackend } from '../../kit/faulty-backend.ts'
import { type LocalIndex, localIndex } from '../../kit/local-index.ts'

const app = parseRepository('team/app')
const tag = parseTag('1.0')
const descriptor = (text: string): Descriptor => ({ digest: digestOf(Buffer.from(text)), mediaType: 'a/b', size: 3 })
const [one, two, three] = ['one', 'two', 'three'].map(descriptor) as [Descriptor, Descriptor, Descriptor]

let clock: FakeClock
let faulty: FaultyBackend
let local: LocalIndex
let there: Map<string, Descriptor>
let announced: number
let versions: TagRecords
let tags: RegistryTags
let beforePut: () => Promise<unknown>
/** Between a change in the registry and the one of its version. */
let afterChange: () => Promise<unknown>

/** The tags as another process has them, with the same registry and the same backend. */
const process = () =>
  registryTags({
    ...{ versions, backend: faulty.backend, records: local.records, clock, random: seededRandom(2) },
    registry: {
      getTag: async (_, name) => there.get(name),
      async putTag(_, name, { descriptor: target }) {
        const first = beforePut
        beforePut = async () => undefined
        await first()
        there.set(name, target)
        await afterChange()
      },
      async deleteTag(_, name) {
        if (!there.delete(name)) throw appError('MANIFEST_UNKNOWN')
        await afterChange()
      },
    },
  })

beforeEach(() => {
  clock = fakeClock()
  faulty = faultyBackend(memoryBackend())
  there = new Map()
  announced = 0
  beforePut = async () => undefined
  afterChange = async () => undefined
  const announce = async () => {
    announced += 1
    return () => Promise.resolve()
  }
  local = localIndex({ backend: faulty.backend, clock, random: seededRandom(1), announce })
  versions = local.tags
  tags = process()
})

const at = (ms: number) => ({ atMs: clock.now() + ms, cluster: 'there' })

describe('versions of the tags of a registry', () => {
  test('a tag that others changed in the registry gets a version of this cluster', async () => {
    there.set(tag, one)
    const first = await tags.read(app, tag)
    expect(first).toMatchObject({ target: one, version: { cluster: 'here' } })
    there.set(tag, two)
    const second = await tags.read(app, tag)
    expect(second?.target).toEqual(two)
    expect(second?.version.atMs).toBeGreaterThan(first?.version.atMs ?? 0)
  })

  test('a tag that the registry has lost, or does not show now, is no deletion, and comes back from another cluster', async () => {
    there.set(tag, one)
    const before = (await tags.read(app, tag))!
    const told = announced
    there.delete(tag)
    expect(await tags.read(app, tag)).toBeUndefined()
    expect(await versions.read(app, tag)).toEqual(before)
    expect(announced).toBe(told)
    expect((await tags.take(app, tag, before)).outcome).toBe('same')
    expect(there.get(tag)).toEqual(one)
    expect(await tags.read(app, tag)).toEqual(before)
  })

  test('what is read while a tag is taken over from another cluster is not taken for a change of this one', async () => {
    await tags.put(app, tag, one)
    const sent = { target: two, version: at(5) }
    let read: Promise<unknown> = Promise.resolve()
    afterChange = async () => {
      read = process().read(app, tag)
      await clock.advance(1)
    }
    expect((await tags.take(app, tag, sent)).outcome).toBe('taken')
    await clock.advance(5_000)
    expect(await read).toEqual(sent)
    expect(await versions.read(app, tag)).toEqual(sent)
  })

  test.each([
    ['a deletion', () => tags.delete(app, tag), { target: undefined, version: { cluster: 'here' } }],
    ['a tag', () => tags.put(app, tag, two), { target: two, version: { cluster: 'here' } }],
    [
      'a tag of another cluster',
      () => tags.take(app, tag, { target: two, version: { atMs: 77_000, cluster: 'there' } }),
      { target: two, version: { atMs: 77_000, cluster: 'there' } },
    ],
  ])('%s whose process ends in the middle is finished by the next one that looks', async (_, change, expected) => {
    there.set(tag, one)
    await versions.take(app, tag, { target: one, version: { atMs: 5, cluster: 'here' } })
    afterChange = async () => faulty.break()
    const failing = expect(change()).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' })
    await clock.advance(20_000)
    await failing
    faulty.heal()
    afterChange = async () => undefined
    const next = process()
    const early = expect(next.read(app, tag)).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    await clock.advance(30_000)
    await early
    expect((await versions.read(app, tag))?.target).toEqual(one)
    await clock.advance(120_000)
    const told = announced
    expect(await next.read(app, tag)).toMatchObject(expected)
    expect(announced).toBe(told + 1)
  })

  test('a tag is gone from registry and versions when it is deleted, and its manifest takes all its tags along', async () => {
    await tags.put(app, tag, one)
    await tags.put(app, parseTag('2.0'), one)
    expect(await tags.delete(app, tag)).toBe(true)
    expect(there.has(tag)).toBe(false)
    expect(await tags.delete(app, tag)).toBe(false)
    let removals = 0
    const first = async () => {
      removals += 1
      there.clear()
    }
    expect(await tags.deleteAll(app, one.digest, { first })).toBe(true)
    expect(removals).toBe(1)
    expect(await tags.read(app, parseTag('2.0'))).toMatchObject({ target: undefined })
    expect(await tags.deleteAll(app, one.digest, { first })).toBe(false)
  })

  test('a tag of another cluster is set in the registry when it is later, and deleted with its deletion', async () => {
    const sent = { target: one, version: at(1) }
    expect((await tags.take(app, tag, sent)).outcome).toBe('taken')
    expect(there.get(tag)).toEqual(one)
    expect(await tags.read(app, tag)).toEqual(sent)
    expect((await tags.take(app, tag, { target: two, version: at(0) })).outcome).toBe('older')
    expect(there.get(tag)).toEqual(one)
    expect((await tags.take(app, tag, { target: undefined, version: at(2) })).outcome).toBe('taken')
    expect(there.has(tag)).toBe(false)
  })

  test('when a later one comes in between, the registry is put right', async () => {
    const later = { target: three, version: at(9) }
    beforePut = async () => {
      await versions.take(app, tag, later)
      there.set(tag, three)
    }
    expect((await tags.take(app, tag, { target: two, version: at(5) })).outcome).toBe('older')
    expect(there.get(tag)).toEqual(three)
    expect(await tags.read(app, tag)).toEqual(later)
  })
})
