import { describe, expect, test } from '@jest/globals'
import type { BuildIndex } from '../../../lib/api/index.ts'
import { deferred, fakeClock } from '../../../lib/base/index.ts'
import { type Digest, digestOf, parseRepository } from '../../../lib/core/index.ts'
import { linkMemory } from '../../../services/build-index/link-memory.ts'

const digest = digestOf(Buffer.from('linked'))
const [ours, theirs] = [parseRepository('ours'), parseRepository('theirs')]
const remembered = { remembered: true }

/** An index that has one link of each kind in `ours`, counts looks, and can be held back in the middle of one. */
function lab() {
  const clock = fakeClock()
  const there = { blob: true, manifest: true }
  let [looks, hold] = [0, Promise.resolve()]
  const look = async <V>(kind: 'blob' | 'manifest', repository: typeof ours, found: V) => {
    looks += 1
    const value = there[kind] && repository === ours ? found : undefined
    await hold
    return value
  }
  const remove = async (kind: 'blob' | 'manifest', removed: Digest) => {
    if (removed === digest) there[kind] = false
  }
  const inner: Partial<BuildIndex> = {
    getBlob: (repository) => look('blob', repository, { digest, size: 1 }),
    getManifest: (repository) => look('manifest', repository, { digest, mediaType: 'a/b', size: 1 }),
    deleteBlob: (_, removed) => remove('blob', removed),
    deleteManifest: (_, removed) => remove('manifest', removed),
    putManifest: async () => undefined,
  }
  const index = linkMemory(inner as BuildIndex, { clock }, { ttlMs: 5_000 })
  return {
    ...{ clock, index, there },
    looks: () => looks,
    holdLooks: (until: Promise<void>) => {
      hold = until
    },
  }
}

const kinds = [
  ['getBlob', 'deleteBlob', 'blob'],
  ['getManifest', 'deleteManifest', 'manifest'],
] as const

describe.each(kinds)('a link that %s found', (get, remove, kind) => {
  test('is remembered for those who take that, and for nobody else', async () => {
    const { index, looks } = lab()
    for (let i = 0; i < 50; i += 1) expect(await index[get](ours, digest, remembered)).toBeDefined()
    expect(looks()).toBe(1)
    await index[get](ours, digest)
    expect(looks()).toBe(2)
  })

  test('counts from the begin of the look, and no longer than its time', async () => {
    const { clock, index, looks, holdLooks } = lab()
    const held = deferred()
    holdLooks(held.promise)
    const slow = index[get](ours, digest, remembered)
    await clock.advance(3_000)
    held.resolve()
    await slow
    await clock.advance(1_999)
    await index[get](ours, digest, remembered)
    expect(looks()).toBe(1)
    await clock.advance(1)
    await index[get](ours, digest, remembered)
    expect(looks()).toBe(2)
  })

  test('is forgotten at once when it is deleted here, also by a look that began before', async () => {
    const { index, holdLooks } = lab()
    expect(await index[get](ours, digest, remembered)).toBeDefined()
    const held = deferred()
    holdLooks(held.promise)
    const early = index[get](ours, digest)
    await index[remove](ours, digest)
    held.resolve()
    expect(await early).toBeDefined()
    expect(await index[get](ours, digest, remembered)).toBeUndefined()
  })

  test('that is not there is never remembered', async () => {
    const { index, there } = lab()
    there[kind] = false
    expect(await index[get](ours, digest, remembered)).toBeUndefined()
    there[kind] = true
    expect(await index[get](ours, digest, remembered)).toBeDefined()
  })

  test('says nothing of other repositories', async () => {
    const { index } = lab()
    await index[get](ours, digest, remembered)
    expect(await index[get](theirs, digest, remembered)).toBeUndefined()
  })
})

test('a manifest that is pushed as another type is looked for again', async () => {
  const { index, looks } = lab()
  await index.getManifest(ours, digest, remembered)
  await index.putManifest(ours, { digest, mediaType: 'a/c', size: 1 })
  await index.getManifest(ours, digest, remembered)
  expect(looks()).toBe(2)
})

test('pushes and deletes of other names during a look cost no other look; a push of the same name does', async () => {
  const { index, looks, holdLooks } = lab()
  const other = digestOf(Buffer.from('other'))
  const during = async (change: () => Promise<void>) => {
    const held = deferred()
    holdLooks(held.promise)
    const look = index.getManifest(ours, digest, remembered)
    await change()
    held.resolve()
    await look
    await index.getManifest(ours, digest, remembered)
  }
  await during(async () => {
    await index.putManifest(theirs, { digest, mediaType: 'a/c', size: 1 })
    await index.putManifest(ours, { digest: other, mediaType: 'a/c', size: 1 })
    await index.deleteManifest(ours, other)
  })
  expect(looks()).toBe(1)
  await index.putManifest(ours, { digest, mediaType: 'a/c', size: 1 })
  await during(() => index.putManifest(ours, { digest, mediaType: 'a/d', size: 1 }))
  expect(looks()).toBe(3)
})

test('what is remembered obeys a time that is set later', async () => {
  const { clock, index, looks } = lab()
  await index.getBlob(ours, digest, remembered)
  index.setTtl(60_000)
  await clock.advance(50_000)
  await index.getBlob(ours, digest, remembered)
  expect(looks()).toBe(1)
  index.setTtl(0)
  await index.getBlob(ours, digest, remembered)
  expect(looks()).toBe(2)
})
