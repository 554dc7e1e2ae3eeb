import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { type Backend, memoryBackend } from '../../../lib/backend/index.ts'
import { type FakeClock, fakeClock, seededRandom, tokenBucket } from '../../../lib/base/index.ts'
import { digestOf, parseRepository, parseTag } from '../../../lib/core/index.ts'
import { silentLogger } from '../../../lib/telemetry/index.ts'
import { indexRecords } from '../../../services/build-index/index-records.ts'
import { lastKnown } from '../../../services/build-index/upstream/last-known.ts'
import { fairShares, siteOf } from '../../../services/build-index/upstream/record-shares.ts'
import { recordsKeeper } from '../../../services/build-index/upstream/records-keeper.ts'
import { trimRecords } from '../../../services/build-index/upstream/trim-records.ts'

const DAY = 86_400_000
const tag = parseTag('1.0')
const manifest = { digest: digestOf(Buffer.from('x')), mediaType: 'application/x', size: 1 }

function partsIn(clock: FakeClock, backend: Backend) {
  const records = indexRecords({ backend, clock, random: seededRandom(2) })
  const removed: string[] = []
  const known = lastKnown({ clock, logger: silentLogger(), records })
  const parts = {
    ...{ backend, records, clock, pace: tokenBucket(clock, { ratePerSecond: undefined }) },
    isUpstream: (registry: string) => registry !== 'kept.test',
    onRemoved: (reason: string) => removed.push(reason),
  }
  return {
    ...{ parts, removed, known },
    /** What an upstream says now is recorded. */
    async asked(text: string) {
      known.keep(parseRepository(text), tag, { manifest, askedAtMs: clock.now(), askedMs: clock.monotonicMs() })
      await known.stop()
      await known.start()
    },
    async names() {
      const { keys } = await backend.list('index/', {})
      return keys.map((key) => key.replace(/^index\/registries\/(.*)\/repositories\/(.*)\/_tags\/.*$/, '$1/$2'))
    },
  }
}

test('a record that nobody has used goes, and one that is used stays', async () => {
  const [clock, backend] = [fakeClock(), memoryBackend()]
  const lab = partsIn(clock, backend)
  await lab.asked('one.test/old')
  await lab.asked('one.test/used')
  await lab.asked('kept.test/ours')
  await clock.advance(3 * DAY)
  const used = parseRepository('one.test/used')
  const known = lab.known.look(used, tag)
  if (known !== undefined) lab.known.use(used, tag, known)
  await lab.asked('one.test/new')
  expect(await trimRecords(lab.parts, { most: 100, olderThan: 2 * DAY }, {})).toBe(2)
  expect(await lab.names()).toEqual(['kept.test/ours', 'one.test/new', 'one.test/used'])
  expect(lab.removed).toEqual(['age'])
  expect(await lab.known.find(used, tag)).toMatchObject({ manifest })
})

test('a registry that makes up names pushes out only its own', async () => {
  const [clock, backend] = [fakeClock(), memoryBackend()]
  const lab = partsIn(clock, backend)
  for (const name of ['a', 'b', 'c']) await lab.asked(`registry.test/${name}`)
  await clock.advance(1)
  for (let i = 0; i < 20; i += 1) {
    await clock.advance(1)
    await lab.asked(`made-up-${i % 5}.evil.test/n${i}`)
  }
  expect(await trimRecords(lab.parts, { most: 7, olderThan: DAY }, {})).toBe(7)
  const names = await lab.names()
  expect(names.filter((name) => name.startsWith('registry'))).toEqual(['a', 'b', 'c'].map((n) => `registry.test/${n}`))
  expect(names.filter((name) => name.includes('evil')).sort()).toEqual(
    [16, 17, 18, 19].map((i) => `made-up-${i % 5}.evil.test/n${i}`).sort(),
  )
})

test('a record that is used while it is judged stays', async () => {
  const [clock, backend] = [fakeClock(), memoryBackend()]
  const lab = partsIn(clock, backend)
  await lab.asked('one.test/a')
  await clock.advance(3 * DAY)
  const { records } = lab.parts
  const racing = {
    ...records,
    async removeIf<T>(...args: Parameters<typeof records.removeIf<T>>) {
      await lab.asked('one.test/a')
      return records.removeIf(...args)
    },
  }
  await trimRecords({ ...lab.parts, records: racing }, { most: 10, olderThan: 2 * DAY }, {})
  expect([await lab.names(), lab.removed]).toEqual([['one.test/a'], []])
})

test('shares are as large as may be, and nobody gets less than another one who has enough', () => {
  const sites = fc.array(fc.nat(30), { minLength: 1, maxLength: 12 })
  fc.assert(
    fc.property(sites, fc.integer({ min: 1, max: 100 }), (counts, most) => {
      const all = new Map(counts.map((count, i) => [`s${i}`, { count, newestMs: i }]))
      const shares = fairShares(all, most)
      const given = [...shares.values()].reduce((a, b) => a + b, 0)
      const total = counts.reduce((a, b) => a + b, 0)
      expect(given).toBeLessThanOrEqual(most)
      if (total <= most) expect(given).toBe(total)
      const largest = Math.max(...shares.values())
      for (const [i, count] of counts.entries()) {
        expect(shares.get(`s${i}`)).toBeLessThanOrEqual(count)
        expect(shares.get(`s${i}`)).toBeGreaterThanOrEqual(Math.min(count, largest - 1))
      }
    }),
  )
})

test.each([
  ['ghcr.io', 'ghcr.io'],
  ['a.b.evil.test:5000', 'evil.test'],
  ['127.0.0.1:5000', '127.0.0.1'],
  ['localhost:5000', 'localhost'],
])('%s shares as %s', (host, site) => {
  expect(siteOf(host)).toBe(site)
})

test('are looked through by one of two build-indexes, once in the interval', async () => {
  const [clock, backend] = [fakeClock(), memoryBackend()]
  const trims: number[] = []
  const keepers = [1, 2].map((seed) => {
    const random = seededRandom(seed)
    const parts = { backend, clock, random, logger: silentLogger(), records: indexRecords({ backend, clock, random }) }
    const trim = async () => {
      trims.push(clock.now())
    }
    return recordsKeeper(parts, { intervalMs: DAY, trim })
  })
  for (const keeper of keepers) await keeper.start()
  for (let left = 2 * DAY; left > 0; left -= 2_000) await clock.advance(2_000)
  const stopped = Promise.all(keepers.map((keeper) => keeper.stop()))
  for (let i = 0; i < 20; i += 1) await clock.advance(1_000)
  await stopped
  expect(trims).toHaveLength(2)
  expect((trims[1] ?? 0) - (trims[0] ?? 0)).toBeGreaterThanOrEqual(DAY)
})
