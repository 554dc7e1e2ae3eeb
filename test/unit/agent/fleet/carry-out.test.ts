import { Readable } from 'node:stream'
import { expect, test } from '@jest/globals'
import type { Order, Progress } from '../../../../lib/api/index.ts'
import { fakeClock, seededRandom } from '../../../../lib/base/index.ts'
import { type Digest, digestOf, PieceMap, parseRepository } from '../../../../lib/core/index.ts'
import { memoryStore } from '../../../../lib/store/index.ts'
import { silentLogger } from '../../../../lib/telemetry/index.ts'
import { bringBlob } from '../../../../services/agent/bring-blob.ts'
import { carryOut } from '../../../../services/agent/fleet/carry-out.ts'

const repository = parseRepository('team/app')
const contentOf = (name: string) => Buffer.from(`the content of ${name}`.padEnd(100, '.'))
const digestFor = (name: string) => digestOf(contentOf(name))

async function agent() {
  const clock = fakeClock()
  const random = seededRandom(3)
  const store = memoryStore({ clock, random, logger: silentLogger() }, { capacityBytes: 1_000_000 })
  await store.start()
  const put = async (name: string) => {
    const upload = await store.createUpload()
    await upload.append(Readable.from([contentOf(name)]), { offset: 0 })
    await upload.commit(digestFor(name))
  }
  const part = async (name: string) => {
    const partial = await store.openPartial(digestFor(name), new PieceMap(100, 64))
    const bytes = contentOf(name).subarray(0, 64)
    await partial.write(0, bytes, Buffer.from(digestOf(bytes).slice(7), 'hex'))
    return partial
  }
  const proven: string[] = []
  const pulled: Digest[] = []
  const pulls = {
    async find({ digest }: { readonly digest: Digest }) {
      pulled.push(digest)
      const name = ['a', 'b', 'c'].find((each) => digestFor(each) === digest)!
      await put(name)
      const [names, close] = [() => undefined, () => undefined]
      return { size: 100, names, close, open: async () => Readable.from([contentOf(name)]) }
    },
  }
  const work = carryOut({
    store,
    links: {
      async manifest(_, digest) {
        proven.push(`manifest ${digest}`)
        return undefined
      },
      requireBlob: async ({ digest }) => void proven.push(`blob ${digest}`),
    },
    bring: bringBlob({ store, pulls, clock, random }),
  })
  let last: Progress | undefined
  return {
    ...{ store, put, part, proven, pulled },
    async run(kind: Order['kind'], names: readonly string[], more: Partial<Order['items'][number]> = { size: 100 }) {
      const items = names.map((name) => ({ digest: digestFor(name), ...more }))
      const onProgress = (progress: Progress) => {
        last = progress
      }
      const order = { job: 'j', attempt: 0, kind, repository, items }
      await work(order, { signal: new AbortController().signal, onProgress })
      return last
    },
    last: () => last,
  }
}

test('a question says what is here: whole, in part, or nothing', async () => {
  const it = await agent()
  await it.put('a')
  await it.part('b')
  const held = { blobs: 3, doneBlobs: 1, partBlobs: 1, doneBytes: 164 }
  expect(await it.run('query', ['a', 'b', 'c'])).toEqual({ ...held, bytes: 300 })
  expect(await it.run('query', ['a', 'b', 'c'], {})).toEqual({ ...held, bytes: 200 })
})

test('a preload brings what is missing, counts its bytes once, and proves that the repository has them', async () => {
  const it = await agent()
  await it.put('a')
  const done = { blobs: 3, bytes: 300, doneBlobs: 3, partBlobs: 0, doneBytes: 300 }
  expect(await it.run('preload', ['a', 'b', 'c'], { size: 100, mediaType: 'a/manifest' })).toEqual(done)
  expect(it.pulled.toSorted()).toEqual(['b', 'c'].map(digestFor).toSorted())
  expect(it.proven.toSorted()).toEqual(['a', 'b', 'c'].map((name) => `manifest ${digestFor(name)}`).toSorted())
  expect(await it.run('preload', ['a', 'b', 'c'])).toEqual(done)
  expect(it.pulled.length).toBe(2)
  expect(it.proven.slice(3).every((text) => text.startsWith('blob '))).toBe(true)
})

test('a deletion takes pinned blobs and parts, but no part that is in use', async () => {
  const it = await agent()
  await it.put('a')
  await it.store.pin(digestFor('a'), true)
  const partial = await it.part('b')
  const release = partial.lease()
  await expect(it.run('delete', ['a', 'b'])).rejects.toMatchObject({ code: 'BLOB_HELD' })
  release()
  expect(await it.run('delete', ['a', 'b'])).toMatchObject({ doneBlobs: 2 })
  expect([await it.store.list(), await it.store.partials()]).toEqual([[], []])
})

test('a pin holds all that is here, and says that something is missing; without a pin nothing is missed', async () => {
  const it = await agent()
  await it.put('a')
  await it.put('c')
  await expect(it.run('pin', ['a', 'b', 'c'])).rejects.toMatchObject({ code: 'BLOB_UNKNOWN', detail: { missing: 1 } })
  expect(it.last()).toMatchObject({ doneBlobs: 2 })
  expect(['a', 'c'].map((name) => it.store.look(digestFor(name))?.holds)).toEqual([['pinned'], ['pinned']])
  expect(await it.run('unpin', ['a', 'b', 'c'])).toMatchObject({ doneBlobs: 3 })
  expect(it.store.look(digestFor('a'))?.holds).toEqual([])
})

test('sizes that cannot be counted together are told as the largest count that there is', async () => {
  const it = await agent()
  await it.put('a')
  const size = Number.MAX_SAFE_INTEGER
  expect(await it.run('query', ['a', 'b', 'c'], { size })).toMatchObject({ bytes: size, doneBytes: 100 })
})
