import { buffer } from 'node:stream/consumers'
import { beforeEach, describe, expect, test } from '@jest/globals'
import type { BuildIndex } from '../../../lib/api/index.ts'
import { memoryBackend } from '../../../lib/backend/index.ts'
import { fakeClock, seededRandom } from '../../../lib/base/index.ts'
import {
  type Descriptor,
  digestOf,
  ownRepository,
  parseRepository,
  parseRepositoryName,
  parseTag,
} from '../../../lib/core/index.ts'
import { indexKey } from '../../../services/build-index/index-keys.ts'
import { type FaultyBackend, faultyBackend } from '../../kit/faulty-backend.ts'
import { localIndex } from '../../kit/local-index.ts'

const app = parseRepository('team/app')
const other = parseRepository('team/app/sub')
const v1 = parseTag('v1')
const latest = parseTag('latest')

const descriptor = (text: string): Descriptor => ({
  digest: digestOf(Buffer.from(text)),
  mediaType: 'application/vnd.oci.image.manifest.v1+json',
  size: text.length,
})
const one = descriptor('one')
const two = descriptor('two')

let faulty: FaultyBackend
let index: BuildIndex
let clock: ReturnType<typeof fakeClock>

beforeEach(() => {
  faulty = faultyBackend(memoryBackend())
  clock = fakeClock()
  index = localIndex({ backend: faulty.backend, clock, random: seededRandom(1) }).index
})

describe('tags', () => {
  test('a tag gives the descriptor it was set to', async () => {
    await index.putTag(app, v1, { descriptor: one })
    expect(await index.getTag(app, v1)).toEqual(one)
    expect(await index.getTag(app, latest)).toBeUndefined()
    expect(await index.getTag(other, v1)).toBeUndefined()
  })

  test('a moved tag points to the new manifest', async () => {
    await index.putTag(app, v1, { descriptor: one })
    await index.putTag(app, v1, { descriptor: two })
    expect(await index.getTag(app, v1)).toEqual(two)
  })

  test('setting what is set already writes nothing', async () => {
    await index.putTag(app, v1, { descriptor: one })
    const writes = faulty.calls.write
    await index.putTag(app, v1, { descriptor: { size: one.size, mediaType: one.mediaType, digest: one.digest } })
    expect(faulty.calls.write).toBe(writes)
  })

  test('a move that meets another one in between is tried again and takes effect', async () => {
    await index.putTag(app, v1, { descriptor: one })
    const rival = localIndex({ backend: faulty.backend, clock: fakeClock(), random: seededRandom(2) }).index
    const writes = faulty.calls.write
    faulty.beforeNext('write', () => rival.putTag(app, v1, { descriptor: descriptor('rival') }))
    const move = index.putTag(app, v1, { descriptor: two })
    await clock.advance(1_000)
    await move
    expect(await index.getTag(app, v1)).toEqual(two)
    // The refused write, the rival's write, and the repeated write.
    expect(faulty.calls.write - writes).toBe(3)
  })

  test('a deleted tag is gone, and deleting it again is MANIFEST_UNKNOWN', async () => {
    await index.putTag(app, v1, { descriptor: one })
    await index.deleteTag(app, v1)
    expect(await index.getTag(app, v1)).toBeUndefined()
    await expect(index.deleteTag(app, v1)).rejects.toMatchObject({ code: 'MANIFEST_UNKNOWN' })
  })

  test('a record that is not ours is BACKEND_CORRUPT, and can be set again', async () => {
    const key = indexKey(app, { kind: 'tag', tag: v1 })
    for (const junk of ['{', '{"digest":"md5:1"}', '[]']) {
      await faulty.backend.write(key, Buffer.from(junk), { size: junk.length })
      await expect(index.getTag(app, v1)).rejects.toMatchObject({ code: 'BACKEND_CORRUPT' })
    }
    await index.putTag(app, v1, { descriptor: one })
    expect(await index.getTag(app, v1)).toEqual(one)
  })
})

describe('lists', () => {
  const put = async (...tags: readonly string[]) => {
    for (const tag of tags) await index.putTag(app, parseTag(tag), { descriptor: one })
  }

  test('tags come in byte order and in pages', async () => {
    await put('b', 'a', '10', '2', 'B', '_x', 'a.1', 'a-1')
    const all = ['10', '2', 'B', '_x', 'a', 'a-1', 'a.1', 'b']
    expect(await index.listTags(app)).toEqual({ tags: all })
    expect(await index.listTags(app, { n: 3 })).toEqual({ tags: all.slice(0, 3), next: 'B' })
    expect(await index.listTags(app, { n: 3, last: 'B' })).toEqual({ tags: all.slice(3, 6), next: 'a-1' })
    expect(await index.listTags(app, { n: 2, last: 'a-1' })).toEqual({ tags: ['a.1', 'b'] })
    expect(await index.listTags(app, { last: 'b' })).toEqual({ tags: [] })
  })

  test('a page of 0 is empty', async () => {
    await put('a')
    expect(await index.listTags(app, { n: 0 })).toEqual({ tags: [] })
    expect(await index.listRepositories({ n: 0 })).toEqual({ repositories: [] })
    expect(await index.listTags(other, { n: 0 })).toBeUndefined()
  })

  test('a page holds 1000 entries at most, and that many without a number', async () => {
    for (let i = 0; i < 1001; i += 1) await put(`t${i}`)
    expect((await index.listTags(app))?.tags).toHaveLength(1000)
    const large = await index.listTags(app, { n: 5000 })
    expect(large?.tags).toHaveLength(1000)
    expect((await index.listTags(app, { last: large?.next }))?.tags).toHaveLength(1)
  })

  test('a repository to which nothing was pushed has no list; a blob link alone is no push', async () => {
    await index.putBlob(app, { digest: one.digest, size: 3 })
    expect(await index.listTags(app)).toBeUndefined()
    expect((await index.listRepositories()).repositories).toEqual([])
  })

  test('a repository with a manifest whose last tag went, or that never had one, has an empty list', async () => {
    await index.putManifest(other, one)
    expect(await index.listTags(other)).toEqual({ tags: [] })
    await index.putManifest(app, one)
    await put('a')
    await index.deleteTag(app, parseTag('a'))
    expect(await index.listTags(app)).toEqual({ tags: [] })
  })

  test('the tags of a repository below another are its own', async () => {
    await put('a')
    await index.putTag(other, v1, { descriptor: one })
    expect(await index.listTags(app)).toEqual({ tags: ['a'] })
    expect(await index.listTags(other)).toEqual({ tags: ['v1'] })
  })

  test('repositories come in byte order of their names and in pages', async () => {
    const names = ['a', 'a-b', 'a.b', 'a/b', 'a/b/c', 'a/b0', 'a0', 'a_b', 'ab', 'b/a']
    for (const name of [...names].reverse()) await index.putManifest(ownRepository(parseRepositoryName(name)), one)
    expect(await index.listRepositories()).toEqual({ repositories: [...names].sort() })
    const seen: string[] = []
    for (let last: string | undefined = ''; last !== undefined; ) {
      const page: Awaited<ReturnType<BuildIndex['listRepositories']>> = await index.listRepositories({ n: 3, last })
      seen.push(...page.repositories)
      last = page.next
    }
    expect(seen).toEqual([...names].sort())
  })
})

describe('manifests', () => {
  test('a link gives the descriptor until it is removed', async () => {
    await index.putManifest(app, one)
    expect(await index.getManifest(app, one.digest)).toEqual(one)
    expect(await index.getManifest(other, one.digest)).toBeUndefined()
    await index.deleteManifest(app, one.digest)
    expect(await index.getManifest(app, one.digest)).toBeUndefined()
    await expect(index.deleteManifest(app, one.digest)).rejects.toMatchObject({ code: 'MANIFEST_UNKNOWN' })
  })

  test('a removed manifest takes its tags along and no others', async () => {
    await index.putManifest(app, one)
    await index.putManifest(app, two)
    for (let i = 0; i < 40; i += 1) {
      await index.putTag(app, parseTag(`t${i}`), { descriptor: i % 2 === 0 ? one : two })
    }
    await index.putTag(other, v1, { descriptor: one })
    await index.deleteManifest(app, one.digest)
    const left = await index.listTags(app)
    expect(left?.tags).toHaveLength(20)
    for (const tag of left?.tags ?? []) expect(await index.getTag(app, tag)).toEqual(two)
    expect(await index.getTag(other, v1)).toEqual(one)
  })

  test('a tag that moves to another manifest meanwhile is not taken along', async () => {
    await index.putManifest(app, one)
    await index.putTag(app, v1, { descriptor: one })
    faulty.beforeNext('delete', () => index.putTag(app, v1, { descriptor: two }))
    const removal = index.deleteManifest(app, one.digest)
    await clock.advance(1_000)
    await removal
    expect(await index.getTag(app, v1)).toEqual(two)
    expect(await index.getManifest(app, one.digest)).toBeUndefined()
  })

  test('a removal that was cut short can be repeated', async () => {
    await index.putManifest(app, one)
    await index.putTag(app, v1, { descriptor: one })
    const cut = new AbortController()
    const half = localIndex({
      clock,
      random: seededRandom(3),
      backend: {
        ...faulty.backend,
        async write(key, source, options) {
          const written = await faulty.backend.write(key, source, options)
          if (key === indexKey(app, { kind: 'tag', tag: v1 })) cut.abort()
          return written
        },
      },
    }).index
    await expect(half.deleteManifest(app, one.digest, { signal: cut.signal })).rejects.toMatchObject({
      code: 'ABORTED',
    })
    expect(await index.getManifest(app, one.digest)).toEqual(one)
    await index.deleteManifest(app, one.digest)
    expect(await index.listTags(app)).toBeUndefined()
  })
})

describe('blobs', () => {
  test('a link tells the size until it is removed', async () => {
    await index.putBlob(app, { digest: one.digest, size: 3 })
    expect(await index.getBlob(app, one.digest)).toEqual({ digest: one.digest, size: 3 })
    expect(await index.getBlob(other, one.digest)).toBeUndefined()
    await index.deleteBlob(app, one.digest)
    expect(await index.getBlob(app, one.digest)).toBeUndefined()
    await expect(index.deleteBlob(app, one.digest)).rejects.toMatchObject({ code: 'BLOB_UNKNOWN' })
  })
})

describe('several indexes on one backend', () => {
  test('what one writes, moves and removes the other sees at once', async () => {
    const twin = localIndex({ backend: faulty.backend, clock, random: seededRandom(4) }).index
    await index.putTag(app, v1, { descriptor: one })
    expect(await twin.getTag(app, v1)).toEqual(one)
    await twin.putTag(app, v1, { descriptor: two })
    expect(await index.getTag(app, v1)).toEqual(two)
    await twin.deleteTag(app, v1)
    expect(await index.getTag(app, v1)).toBeUndefined()
  })
})

describe('an outage of the backend', () => {
  test('is an error of every call, never an absence', async () => {
    await index.putTag(app, v1, { descriptor: one })
    faulty.break()
    const calls = [
      index.getTag(app, v1),
      index.putTag(app, v1, { descriptor: two }),
      index.deleteTag(app, v1),
      index.listTags(app),
      index.listRepositories(),
      index.getManifest(app, one.digest),
      index.putManifest(app, one),
      index.deleteManifest(app, one.digest),
      index.getBlob(app, one.digest),
      index.putBlob(app, { digest: one.digest, size: 1 }),
      index.deleteBlob(app, one.digest),
    ]
    for (const result of await Promise.allSettled(calls)) {
      expect(result).toMatchObject({ status: 'rejected', reason: { code: 'BACKEND_UNAVAILABLE', status: 503 } })
    }
    faulty.heal()
    expect(await index.getTag(app, v1)).toEqual(one)
  })

  test('stored records are plain JSON', async () => {
    await index.putTag(app, v1, { descriptor: one })
    const found = await faulty.backend.read(indexKey(app, { kind: 'tag', tag: v1 }))
    const version = { atMs: clock.now(), cluster: 'here' }
    expect(JSON.parse((found && (await buffer(found.body)).toString()) ?? '')).toEqual({ ...one, version })
  })
})
