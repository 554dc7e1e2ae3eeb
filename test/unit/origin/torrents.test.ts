import { describe, expect, test } from '@jest/globals'
import { abortController, type Deferred, deferred } from '../../../lib/base/index.ts'
import { type BlobRef, type Digest, digestOf, parseRepository } from '../../../lib/core/index.ts'
import type { StoredBlob } from '../../../lib/store/index.ts'
import { torrents } from '../../../services/origin/torrents/torrents.ts'
import { clusterOf, someMembers } from '../../kit/cluster.ts'

const MIB = 1024 * 1024
const options = { hop: false } as const

interface Making {
  readonly digest: Digest
  readonly signal: AbortSignal | undefined
  readonly done: Deferred<Uint8Array>
}

/** Torrents whose hashes come when the test says so. */
function gated(size = MIB) {
  const making: Making[] = []
  const kept = new Map<Digest, Uint8Array>()
  const blobs = new Map<Digest, StoredBlob>()
  const blob = (name: string): BlobRef => {
    const digest = digestOf(Buffer.from(name))
    blobs.set(digest, { digest, size, usedAtMs: 0 })
    return { digest, repository: parseRepository('team/app') }
  }
  const made = torrents({
    store: { stat: async (digest) => blobs.get(digest) },
    ingest: { ensure: async ({ digest }) => blobs.get(digest) as StoredBlob },
    hashes: {
      kept: async ({ digest }) => kept.get(digest),
      of({ digest }, { signal } = {}) {
        const one: Making = { digest, signal, done: deferred() }
        making.push(one)
        return one.done.promise
      },
    },
    trackers: clusterOf(someMembers(1)),
  })
  return { made, making, kept, blob }
}

const turn = () => new Promise((resolve) => setImmediate(resolve))
const sha1s = new Uint8Array(20 * 4)

describe('torrents at an origin', () => {
  test('all who ask for one share the work, one blob at a time', async () => {
    const { made, making, blob } = gated()
    const [one, two] = [blob('one'), blob('two')]
    const asked = [made.file(one, options), made.file(two, options), made.file(one, options)]
    await turn()
    expect(making.map(({ digest }) => digest)).toEqual([one.digest])
    making[0]?.done.resolve(sha1s)
    const [first, , third] = [await asked[0], turn(), await asked[2]]
    expect(first).toEqual(third)
    await turn()
    expect(making.map(({ digest }) => digest)).toEqual([one.digest, two.digest])
    making[1]?.done.resolve(sha1s)
    await asked[1]
  })

  test('the work ends when the last who asked has left, and the next blob has its turn', async () => {
    const { made, making, blob } = gated()
    const [a, b] = [abortController(), abortController()]
    const asked = [a, b].map(({ signal }) => made.file(blob('one'), { ...options, signal }))
    const other = made.file(blob('two'), options)
    await turn()
    a.abort()
    await expect(asked[0]).rejects.toMatchObject({ code: 'ABORTED' })
    expect(making[0]?.signal?.aborted).toBe(false)
    b.abort()
    await expect(asked[1]).rejects.toMatchObject({ code: 'ABORTED' })
    expect(making[0]?.signal?.aborted).toBe(true)
    making[0]?.done.reject(new Error('aborted'))
    await turn()
    making[1]?.done.resolve(sha1s)
    await other
  })

  test('beyond a queue, who asks is told to come again', async () => {
    const { made, making, blob } = gated()
    const some = Array.from({ length: 17 }, (_, i) => made.file(blob(`blob ${i}`), options))
    await turn()
    await expect(made.file(blob('one more'), options)).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    const shared = made.file(blob('blob 16'), options)
    for (let done = 0; done < some.length; done += 1) {
      making[done]?.done.resolve(sha1s)
      await turn()
    }
    await Promise.all([...some, shared])
    expect(making).toHaveLength(17)
  })

  test('what is known of one that nobody asked for is nothing, and costs nothing', async () => {
    const { made, making, kept, blob } = gated()
    const { digest } = blob('one')
    await expect(made.facts(digest)).rejects.toMatchObject({ code: 'TORRENT_UNKNOWN' })
    await expect(made.facts(digestOf(Buffer.from('none')))).rejects.toMatchObject({ code: 'TORRENT_UNKNOWN' })
    kept.set(digest, sha1s)
    expect(await made.facts(digest)).toMatchObject({ digest, size: MIB })
    expect(making).toEqual([])
  })

  test('a blob that has no swarm has no torrent', async () => {
    const { made, blob } = gated(64 * 1024)
    await expect(made.file(blob('small'), options)).rejects.toMatchObject({ code: 'TORRENT_NONE' })
  })
})
