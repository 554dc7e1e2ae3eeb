import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import type { ClusterMarks, Judgement, MarkingCluster, StoredGarbage } from '../../../../lib/api/index.ts'
import { type Backend, memoryBackend } from '../../../../lib/backend/index.ts'
import { deferred, type FakeClock, fakeClock, seededRandom, tokenBucket } from '../../../../lib/base/index.ts'
import { digestOf, parseRepository } from '../../../../lib/core/index.ts'
import { silentLogger } from '../../../../lib/telemetry/index.ts'
import { catalog } from '../../../../services/build-index/catalog.ts'
import { type Collector, collector } from '../../../../services/build-index/garbage/collector.ts'
import { localIndex } from '../../../kit/local-index.ts'

const leaseMs = 15_000
const stray = digestOf(Buffer.from('stray'))

let clock: FakeClock
let backend: Backend
let judged: Judgement[]
let looked: string[]
/** Clusters that have left a mark where the blobs are. */
let others: readonly MarkingCluster[]
/** Of the next manifest that is read, if a test wants to wait there. */
let gate: Promise<void> | undefined
const started: Collector[] = []

async function buildIndex(
  seed: number,
  { isDead = (): boolean => false, intervalMs = undefined as number | undefined, mayRemove = true } = {},
) {
  const random = seededRandom(seed)
  const own: Backend = {
    ...backend,
    write: (...args) => (isDead() ? new Promise(() => undefined) : backend.write(...args)),
    read: (...args) => (isDead() ? new Promise(() => undefined) : backend.read(...args)),
  }
  const { records, tags } = localIndex({ backend: own, clock, random })
  const stored: StoredGarbage & ClusterMarks = {
    places: async () => ['all'],
    blobs: async () => ({ digests: [stray] }),
    condemned: async () => ({ condemned: [] }),
    async judge(_, judgement) {
      judged.push(judgement)
      return judgement.digests.map(() => ({ outcome: 'condemned' as const }))
    },
    enter: async () => others,
    takeOver: async () => [],
    held: async () => [],
    drop: async () => undefined,
  }
  const life = collector(
    {
      ...{ backend: own, records, clock, random, stored, logger: silentLogger() },
      isUpstream: (registry) => registry === 'docker.io',
      catalog: catalog({ backend: own, tags }),
      pace: tokenBucket(clock, { ratePerSecond: undefined }),
      async readManifest({ name }) {
        looked.push(name)
        await gate
        return Buffer.from('{}')
      },
    },
    { graceMs: 3_600_000, mayRemove, intervalMs, leaseMs, cluster: 'local' },
  )
  await life.start()
  started.push(life)
  return life
}

const pass = async (ms: number) => {
  for (let left = ms; left > 0; left -= 500) await clock.advance(500)
}

beforeEach(async () => {
  clock = fakeClock()
  backend = memoryBackend()
  judged = []
  looked = []
  others = []
  gate = undefined
  const { index } = localIndex({ backend, clock, random: seededRandom(9) })
  for (const name of ['a', 'b', 'c']) {
    await index.putBlob(parseRepository(name), { digest: stray, size: 2 })
    await index.putManifest(parseRepository(name), { digest: stray, mediaType: 'a/b', size: 2 })
  }
})

afterEach(async () => {
  gate = undefined
  const stops = started.splice(0).map((each) => each.stop())
  await pass(5_000)
  await Promise.race([Promise.all(stops), pass(60_000)])
})

describe('a look for garbage', () => {
  test('is done once, and its report is had from any build-index', async () => {
    const [one, two] = [await buildIndex(1), await buildIndex(2)]
    await expect(two.report()).rejects.toMatchObject({ code: 'GARBAGE_NEVER' })
    const ordered = one.order({ dryRun: true })
    await pass(5_000)
    const { id } = await ordered
    expect(await two.report()).toMatchObject({ id, state: 'done', dryRun: true })
    expect(looked).toEqual(['a', 'b', 'c'])
    expect(judged).toEqual([])
  })

  test('is refused while another build-index does one', async () => {
    const [one, two] = [await buildIndex(1), await buildIndex(2)]
    const held = deferred()
    gate = held.promise
    const first = one.order({ dryRun: false })
    await pass(1_000)
    await first
    const second = two.order({ dryRun: false })
    const refused = expect(second).rejects.toMatchObject({ code: 'GARBAGE_RUNNING' })
    await pass(leaseMs * 2)
    await refused
    held.resolve()
    await pass(5_000)
    expect(await two.report()).toMatchObject({ state: 'done' })
    expect(looked).toEqual(['a', 'b', 'c'])
  })

  test('goes on where the one that died was', async () => {
    const life = { isDead: false }
    const one = await buildIndex(1, { isDead: () => life.isDead })
    const first = one.order({ dryRun: false })
    await pass(1_000)
    const { id } = await first
    expect((await one.report()).state).toBe('done')
    // Its progress as of a moment in the middle, written by a process that is gone.
    life.isDead = true
    const stored = await (await buildIndex(5)).report()
    const { records } = localIndex({ backend, clock, random: seededRandom(3) })
    const at = 'index/repositories/b/_~'
    await records.set('garbage/run', { ...stored, state: 'running', phase: 'links', at })
    looked = []
    const next = await buildIndex(2)
    await pass(leaseMs * 3)
    expect(await next.report()).toMatchObject({ id, state: 'done' })
    expect(looked).toEqual(['c'])
  })

  test('ends when somebody says so, at whichever build-index', async () => {
    const [one, two] = [await buildIndex(1), await buildIndex(2)]
    const held = deferred()
    gate = held.promise
    const first = one.order({ dryRun: false })
    await pass(1_000)
    await first
    await two.end()
    await pass(3_000)
    held.resolve()
    await pass(5_000)
    expect(await one.report()).toMatchObject({ state: 'stopped' })
    expect(judged).toEqual([])
  })

  test('asks nothing of the registries of others', async () => {
    const { index } = localIndex({ backend, clock, random: seededRandom(9) })
    const library = parseRepository('docker.io/library/alpine')
    await index.putManifest(library, { digest: stray, mediaType: 'a/b', size: 2 })
    const ordered = (await buildIndex(1)).order({ dryRun: true })
    await pass(5_000)
    await ordered
    expect(looked).toEqual(['a', 'b', 'c'])
  })

  test('condemns nothing where another cluster writes, or where conditions are ignored', async () => {
    const one = await buildIndex(1)
    others = [{ id: 'ab', cluster: 'east' }]
    const first = one.order({ dryRun: false })
    await pass(5_000)
    await first
    expect(await one.report()).toMatchObject({ state: 'failed', lastError: { code: 'GARBAGE_FOREIGN' } })
    others = []
    const keeping = backend
    backend = { ...keeping, delete: (key) => keeping.delete(key) }
    const second = (await buildIndex(2)).order({ dryRun: false })
    await pass(5_000)
    await second
    expect(await one.report()).toMatchObject({ state: 'failed', lastError: { code: 'BACKEND_CONDITIONS_IGNORED' } })
    expect([looked, judged]).toEqual([[], []])
  })

  test('is dry where nothing may be removed, and an order that is not is refused', async () => {
    const one = await buildIndex(1, { mayRemove: false, intervalMs: 3_600_000 })
    await expect(one.order({ dryRun: false })).rejects.toMatchObject({ code: 'UNSUPPORTED' })
    await pass(60_000)
    expect(await one.report()).toMatchObject({ state: 'done', dryRun: true })
    expect(judged).toEqual([])
  })

  test('begins by itself where there is an interval', async () => {
    await buildIndex(1, { intervalMs: 3_600_000 })
    await pass(60_000)
    expect(looked).toEqual(['a', 'b', 'c'])
    expect(judged.map(({ action, digests }) => [action, digests])).toEqual([])
    await pass(3_600_000)
    expect(looked).toHaveLength(6)
  })

  test('under way goes on dry when nothing may be removed any more', async () => {
    const [one, two] = [await buildIndex(1), await buildIndex(2)]
    const held = deferred()
    gate = held.promise
    const ordered = one.order({ dryRun: false })
    await pass(1_000)
    const { id } = await ordered
    one.obey({ mayRemove: false, intervalMs: undefined, graceMs: 7_200_000 })
    await pass(1_000)
    held.resolve()
    await pass(leaseMs)
    expect(await two.report()).toMatchObject({ id, state: 'done', dryRun: true, graceMs: 7_200_000 })
    expect(judged).toEqual([])
    await expect(one.order({ dryRun: false })).rejects.toMatchObject({ code: 'UNSUPPORTED' })
  })

  test('begins when an interval is set while it runs, and none follows when that is taken away', async () => {
    const one = await buildIndex(1, { mayRemove: false })
    await pass(60_000)
    expect(looked).toEqual([])
    one.obey({ mayRemove: false, intervalMs: 3_600_000, graceMs: 3_600_000 })
    await pass(5_000)
    expect(looked).toEqual(['a', 'b', 'c'])
    one.obey({ mayRemove: false, intervalMs: undefined, graceMs: 3_600_000 })
    await pass(2 * 3_600_000)
    expect(looked).toHaveLength(3)
  })
})
