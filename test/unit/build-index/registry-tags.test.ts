import { beforeEach, describe, expect, test } from '@jest/globals'
import { memoryBackend } from '../../../lib/backend/index.ts'
import { appError, type FakeClock, fakeClock, seededRandom } from '../../../lib/base/index.ts'
import { type Descriptor, digestOf, parseRepository, parseTag } from '../../../lib/core/index.ts'
import { registryTags } from '../../../services/build-index/registry-tags.ts'
import type { TagRecords, VersionedTags } from '../../../services/build-index/tag-records.ts'
import { localIndex } from '../../kit/local-index.ts'

const app = parseRepository('team/app')
const tag = parseTag('1.0')
const descriptor = (text: string): Descriptor => ({ digest: digestOf(Buffer.from(text)), mediaType: 'a/b', size: 3 })
const [one, two, three] = ['one', 'two', 'three'].map(descriptor) as [Descriptor, Descriptor, Descriptor]

let clock: FakeClock
let there: Map<string, Descriptor>
let versions: TagRecords
let tags: VersionedTags
let beforePut: () => Promise<unknown>

beforeEach(() => {
  clock = fakeClock()
  there = new Map()
  beforePut = async () => undefined
  versions = localIndex({ backend: memoryBackend(), clock, random: seededRandom(1) }).tags
  tags = registryTags({
    versions,
    registry: {
      getTag: async (_, name) => there.get(name),
      async putTag(_, name, { descriptor: target }) {
        const first = beforePut
        beforePut = async () => undefined
        await first()
        there.set(name, target)
      },
      async deleteTag(_, name) {
        if (!there.delete(name)) throw appError('MANIFEST_UNKNOWN')
      },
    },
  })
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
    there.delete(tag)
    expect(await tags.read(app, tag)).toMatchObject({ target: undefined, version: { cluster: 'here' } })
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
