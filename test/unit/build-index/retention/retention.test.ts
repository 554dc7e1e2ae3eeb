import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { type Backend, memoryBackend } from '../../../../lib/backend/index.ts'
import { type FakeClock, fakeClock, seededRandom, tokenBucket } from '../../../../lib/base/index.ts'
import { digestOf, parseRepository, parseTag } from '../../../../lib/core/index.ts'
import { silentLogger } from '../../../../lib/telemetry/index.ts'
import { catalog } from '../../../../services/build-index/catalog.ts'
import { judgeTags } from '../../../../services/build-index/retention/judge-tags.ts'
import { pullNotes } from '../../../../services/build-index/retention/pull-notes.ts'
import { repositoryManifests } from '../../../../services/build-index/retention/repository-manifests.ts'
import { type Retention, retention } from '../../../../services/build-index/retention/retention.ts'
import { type LocalIndex, localIndex } from '../../../kit/local-index.ts'
import { manifestLab } from '../../../kit/manifest-lab.ts'

const DAY = 86_400_000
const [app, other] = [parseRepository('team/app'), parseRepository('team/other')]
const descriptor = (text: string) => ({ digest: digestOf(Buffer.from(text)), mediaType: 'a/b', size: 2 })
const rules = [{ repository: 'team/*', tag: '*', newest: 1, pulledWithin: 10 * DAY, immutable: false }]

let clock: FakeClock
let backend: Backend
let local: LocalIndex
let notes: ReturnType<typeof pullNotes>
let outcomes: string[]
let tags: Retention
/** Called before a tag is deleted. */
let beforeRemoval: () => Promise<void>

const pass = async (ms: number, step = 500) => {
  for (let left = ms; left > 0; left -= step) await clock.advance(step)
}
const look = async (dryRun: boolean) => {
  const ordered = tags.order({ dryRun })
  await pass(5_000)
  await ordered
  return tags.report()
}
const there = async (repository = app) => (await local.index.listTags(repository))?.tags

beforeEach(async () => {
  clock = fakeClock()
  backend = memoryBackend()
  outcomes = []
  beforeRemoval = async () => undefined
  const random = seededRandom(1)
  local = localIndex({ backend, clock, random })
  notes = pullNotes({ ...local, clock, logger: silentLogger() })
  await notes.start()
  tags = retention(
    {
      ...{ backend, clock, random, notes, logger: silentLogger() },
      records: local.records,
      tags: {
        read: (...args) => local.tags.read(...args),
        async delete(...args) {
          await beforeRemoval()
          return local.tags.delete(...args)
        },
      },
      catalog: catalog({ backend, tags: local.tags }),
      judge: judgeTags({ rules, protect: [], isImmutable: () => false }),
      pace: tokenBucket(clock, { ratePerSecond: undefined }),
      manifests: repositoryManifests({ ...manifestLab({ clock, backend }).parts, ...local }, []),
      onRemoved: (outcome) => outcomes.push(outcome),
    },
    { mayRemove: true, intervalMs: undefined, leaseMs: 15_000 },
  )
  await tags.start()
  for (const name of ['v1', 'v2', 'v3']) {
    await clock.advance(1)
    await local.index.putTag(app, parseTag(name), { descriptor: descriptor(name) })
  }
  await local.index.putTag(other, parseTag('only'), { descriptor: descriptor('only') })
  // Pulls are written for as long as the rule looks back.
  await pass(11 * DAY, 60_000 * 40)
})

afterEach(async () => {
  const stopped = Promise.all([tags.stop(), notes.stop()])
  await pass(5_000)
  await stopped
})

describe('a look at the tags', () => {
  test('says in a dry run what would go and why the others stay, and does nothing', async () => {
    const report = await look(true)
    expect(report).toMatchObject({ state: 'done', dryRun: true, counts: { tags: 4, removed: 2, kept: { newest: 2 } } })
    expect(report.removed.map(({ repository, tag, rule }) => [repository, tag, rule])).toEqual([
      ['team/app', 'v1', 0],
      ['team/app', 'v2', 0],
    ])
    expect([await there(), outcomes]).toEqual([['v1', 'v2', 'v3'], []])
    expect((await tags.verdicts(app)).map(({ tag, kept, reason }) => [tag, kept, reason])).toEqual([
      ['v1', false, 'expired'],
      ['v2', false, 'expired'],
      ['v3', true, 'newest'],
    ])
  })

  test('deletes what no rule keeps, and nothing that was pulled', async () => {
    notes.note(app, parseTag('v1'))
    expect((await look(false)).counts).toMatchObject({ removed: 1, spared: 0, kept: { newest: 2, pulled: 1 } })
    expect([await there(), await there(other), outcomes]).toEqual([['v1', 'v3'], ['only'], ['removed']])
    expect((await local.tags.read(app, parseTag('v2')))?.target).toBeUndefined()
  })

  test('leaves a tag that is moved between its judgement and its deletion', async () => {
    const moved = { ...descriptor('new bytes') }
    beforeRemoval = async () => {
      beforeRemoval = async () => undefined
      await clock.advance(1)
      await local.index.putTag(app, parseTag('v1'), { descriptor: moved })
      await local.index.putTag(app, parseTag('v2'), { descriptor: moved })
    }
    const { counts } = await look(false)
    expect(counts.removed + counts.spared).toBe(2)
    expect(counts.spared).toBeGreaterThan(0)
    expect(await local.index.getTag(app, parseTag('v1'))).toMatchObject(moved)
  })
})
