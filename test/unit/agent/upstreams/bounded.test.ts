import { describe, expect, test } from '@jest/globals'
import { appError, deadline, fakeClock, seededRandom } from '../../../../lib/base/index.ts'
import { type BlobRef, digestOf, parseRepository, parseTag } from '../../../../lib/core/index.ts'
import type { StoredBlob } from '../../../../lib/store/index.ts'
import type { BlobHandle, OpenOptions } from '../../../../lib/swarm/index.ts'
import type { LinkIndex } from '../../../../services/agent/links/index.ts'
import { boundedIndex, boundedOpen, ways } from '../../../../services/agent/upstreams/index.ts'

const WAIT_MS = 2_500
const theirs = parseRepository('ghcr.io/team/app')
const ours = parseRepository('team/app')
const digest = digestOf(Buffer.from('layer'))
const unreachable = expect.objectContaining({
  code: 'UPSTREAM_UNREACHABLE',
  detail: { registry: 'ghcr.io', retryAfterMs: expect.any(Number) },
})

/** Answers only when told, and gives up with its signal. */
function silentCluster() {
  const clock = fakeClock()
  let asked = 0
  let answer: (() => unknown) | undefined
  const ask = async (signal: AbortSignal | undefined) => {
    asked += 1
    if (answer !== undefined) return answer()
    await clock.sleep(60_000, { signal })
    throw appError('UNKNOWN', { message: 'nobody gave up' })
  }
  const index = {
    getTag: (_repository: unknown, _tag: unknown, options: OpenOptions = {}) => ask(options.signal),
    getManifest: (_repository: unknown, _digest: unknown, options: OpenOptions = {}) => ask(options.signal),
    getBlob: (_repository: unknown, _digest: unknown, options: OpenOptions = {}) => ask(options.signal),
  } as LinkIndex
  const open = (_blob: BlobRef, options: OpenOptions = {}) => ask(options.signal) as Promise<BlobHandle>
  const init = { waitMs: WAIT_MS }
  return {
    clock,
    index,
    open,
    ways: ways({ clock, random: seededRandom(1) }, init),
    asked: () => asked,
    answers: (how: () => unknown) => {
      answer = how
    },
  }
}

describe('questions about images of another registry', () => {
  test('wait for a silent cluster once, and then fail at once until it answers again', async () => {
    const cluster = silentCluster()
    const index = boundedIndex(cluster.index, cluster.ways)
    const first = expect(index.getTag(theirs, parseTag('v1'))).rejects.toEqual(unreachable)
    await cluster.clock.advance(WAIT_MS)
    await first
    for (let n = 0; n < 20; n += 1) await expect(index.getBlob(theirs, digest)).rejects.toEqual(unreachable)
    await expect(index.getManifest(theirs, digest)).rejects.toEqual(unreachable)
    expect(cluster.asked()).toBe(1)
    const found = { digest, size: 5 }
    cluster.answers(() => found)
    await cluster.clock.advance(1_000)
    await expect(index.getBlob(theirs, digest)).rejects.toEqual(unreachable)
    await cluster.clock.advance(0)
    expect(await index.getBlob(theirs, digest)).toEqual(found)
  })

  test('wait as long as was said last', async () => {
    const cluster = silentCluster()
    const index = boundedIndex(cluster.index, cluster.ways)
    cluster.ways.setWaitMs(WAIT_MS / 2)
    const first = expect(index.getTag(theirs, parseTag('v1'))).rejects.toEqual(unreachable)
    await cluster.clock.advance(WAIT_MS / 2)
    await first
  })

  test('are not bounded for our own images, nor failed because of others', async () => {
    const cluster = silentCluster()
    const index = boundedIndex(cluster.index, cluster.ways)
    const first = expect(index.getTag(theirs, parseTag('v1'))).rejects.toEqual(unreachable)
    await cluster.clock.advance(WAIT_MS)
    await first
    cluster.answers(() => undefined)
    expect(await index.getTag(ours, parseTag('v1'))).toBeUndefined()
    expect(await index.getTag(parseRepository('quay.io/team/app'), parseTag('v1'))).toBeUndefined()
  })

  test('show that the cluster answers when it says that the upstream does not', async () => {
    const cluster = silentCluster()
    const index = boundedIndex(cluster.index, cluster.ways)
    cluster.answers(() => {
      throw appError('UPSTREAM_UNREACHABLE', { detail: { registry: 'ghcr.io', retryAfterMs: 700 } })
    })
    for (let n = 0; n < 3; n += 1) {
      await expect(index.getTag(theirs, parseTag('v1'))).rejects.toMatchObject({ detail: { retryAfterMs: 700 } })
    }
    expect(cluster.asked()).toBe(3)
  })

  test('end with their caller, which says nothing of the cluster', async () => {
    const cluster = silentCluster()
    const index = boundedIndex(cluster.index, cluster.ways)
    const caller = deadline(cluster.clock, 100)
    const left = expect(index.getTag(theirs, parseTag('v1'), caller)).rejects.toMatchObject({ code: 'ABORTED' })
    await cluster.clock.advance(100)
    await left
    cluster.answers(() => undefined)
    expect(await index.getTag(theirs, parseTag('v1'))).toBeUndefined()
  })
})

describe('a blob of another registry', () => {
  test('that is here is opened whatever the cluster does; another one waits for a silent cluster once', async () => {
    const cluster = silentCluster()
    const here = new Set<string>()
    const stat = async (wanted: string) => (here.has(wanted) ? ({ digest: wanted, size: 5 } as StoredBlob) : undefined)
    const { open } = boundedOpen({ engine: cluster, store: { stat }, ways: cluster.ways })
    const blob = { repository: theirs, digest }
    const first = expect(open(blob)).rejects.toEqual(unreachable)
    await cluster.clock.advance(WAIT_MS)
    await first
    await expect(open(blob)).rejects.toEqual(unreachable)
    expect(cluster.asked()).toBe(1)
    const handle = { size: 5 } as BlobHandle
    cluster.answers(() => handle)
    here.add(digest)
    expect(await open(blob)).toBe(handle)
  })

  test('that was opened to see whether the cluster answers again is closed', async () => {
    const cluster = silentCluster()
    const { open } = boundedOpen({ engine: cluster, store: { stat: async () => undefined }, ways: cluster.ways })
    const first = expect(open({ repository: theirs, digest })).rejects.toEqual(unreachable)
    await cluster.clock.advance(WAIT_MS)
    await first
    let closed = 0
    cluster.answers(() => ({ size: 5, close: () => (closed += 1) }))
    await cluster.clock.advance(1_000)
    await expect(open({ repository: theirs, digest })).rejects.toEqual(unreachable)
    await cluster.clock.advance(0)
    expect(closed).toBe(1)
  })
})
