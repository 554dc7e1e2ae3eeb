import { beforeEach, describe, expect, test } from '@jest/globals'
import { memoryBackend } from '../../../lib/backend/index.ts'
import { type FakeClock, fakeClock, seededRandom } from '../../../lib/base/index.ts'
import { type Descriptor, digestHex, digestOf, parseRepository, parseTag } from '../../../lib/core/index.ts'
import type { TagChange } from '../../../services/build-index/announced.ts'
import { immutableTags, withImmutableTags } from '../../../services/build-index/immutable-tags.ts'
import { type LocalIndex, localIndex } from '../../kit/local-index.ts'

const app = parseRepository('prod/app')
const v1 = parseTag('v1')
const descriptor = (text: string): Descriptor => ({ digest: digestOf(Buffer.from(text)), mediaType: 'a/b', size: 3 })
const [one, two] = [descriptor('one'), descriptor('two')]
const isImmutable = immutableTags([{ repository: 'prod/*', tag: 'v*' }])

let clock: FakeClock
let announced: TagChange[]
let here: LocalIndex

beforeEach(() => {
  clock = fakeClock()
  announced = []
  const announce = async (change: TagChange) => {
    announced.push(change)
    return () => Promise.resolve()
  }
  here = localIndex({ backend: memoryBackend(), clock, random: seededRandom(1), announce, isImmutable })
})

describe('an immutable tag', () => {
  test('takes the same bytes again, and refuses others without a word to other clusters', async () => {
    await here.index.putTag(app, v1, { descriptor: one })
    await here.index.putTag(app, v1, { descriptor: { ...one, mediaType: 'c/d' } })
    announced.length = 0
    const refusal = { code: 'TAG_IMMUTABLE', detail: { tag: 'v1', digest: one.digest } }
    await expect(here.index.putTag(app, v1, { descriptor: two })).rejects.toMatchObject(refusal)
    expect((await here.index.getTag(app, v1))?.digest).toBe(one.digest)
    expect(announced).toEqual([])
  })

  test('is set by one of many who set it at the same time', async () => {
    const all = Array.from({ length: 20 }, (_, i) => descriptor(String(i)))
    const under = Promise.allSettled(all.map((each) => here.index.putTag(app, v1, { descriptor: each })))
    await clock.advance(10_000)
    const sets = await under
    expect(sets.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    const winner = all[sets.findIndex(({ status }) => status === 'fulfilled')]
    expect((await here.index.getTag(app, v1))?.digest).toBe(winner?.digest)
  })

  test('is not moved by another cluster, whose deletion counts; after a deletion it is new', async () => {
    await here.index.putTag(app, v1, { descriptor: one })
    const version = (ms: number) => ({ atMs: clock.now() + ms, cluster: 'there' })
    const moved = here.tags.take(app, v1, { target: two, version: version(10) })
    await expect(moved).rejects.toMatchObject({ code: 'TAG_IMMUTABLE' })
    const same = here.tags.take(app, v1, { target: one, version: version(20) })
    expect(await same).toMatchObject({ outcome: 'taken' })
    const older = here.tags.take(app, v1, { target: two, version: version(-1000) })
    expect(await older).toMatchObject({ outcome: 'older' })
    await here.tags.take(app, v1, { target: undefined, version: version(30) })
    await here.index.putTag(app, v1, { descriptor: two })
    expect((await here.index.getTag(app, v1))?.digest).toBe(two.digest)
  })

  test('is meant by a rule of both patterns; names of signatures and of lists of referrers never are', () => {
    const fits = (repository: string, tag: string) => isImmutable(parseRepository(repository), parseTag(tag))
    expect([fits('prod/app', 'v2'), fits('prod/app', 'latest'), fits('dev/app', 'v2')]).toEqual([true, false, false])
    const all = immutableTags([{ repository: '*', tag: '*' }])
    const hex = digestHex(one.digest)
    expect(['', '.sig', '.att', '.sbom'].map((end) => all(app, parseTag(`sha256-${hex}${end}`)))).toEqual(
      Array(4).fill(false),
    )
    expect(all(app, parseTag('sha256-short'))).toBe(true)
  })
})

test('a tag of a registry of others is looked at before it is moved', async () => {
  const plain = localIndex({ backend: memoryBackend(), clock, random: seededRandom(1) }).index
  const guarded = withImmutableTags(plain, isImmutable)
  await guarded.putTag(app, v1, { descriptor: one })
  await guarded.putTag(app, v1, { descriptor: one })
  await expect(guarded.putTag(app, v1, { descriptor: two })).rejects.toMatchObject({ code: 'TAG_IMMUTABLE' })
  await guarded.putTag(app, parseTag('latest'), { descriptor: one })
  await guarded.putTag(app, parseTag('latest'), { descriptor: two })
})
