import { beforeEach, describe, expect, test } from '@jest/globals'
import { type Backend, memoryBackend } from '../../../../lib/backend/index.ts'
import { appError, type FakeClock, fakeClock, seededRandom, tokenBucket } from '../../../../lib/base/index.ts'
import { type Digest, digestOf, parseRepository } from '../../../../lib/core/index.ts'
import { catalog } from '../../../../services/build-index/catalog.ts'
import { type CleanLinksComponents, cleanLinks } from '../../../../services/build-index/garbage/clean-links.ts'
import { GarbageRun, newRun } from '../../../../services/build-index/garbage/garbage-run.ts'
import { namedDigests } from '../../../../services/build-index/garbage/named-digests.ts'
import { repositoriesIn } from '../../../../services/build-index/garbage/repository-walk.ts'
import { indexKey } from '../../../../services/build-index/index-keys.ts'
import { type LocalIndex, localIndex } from '../../../kit/local-index.ts'

const app = parseRepository('team/app')
const graceMs = 3_600_000
const layer = digestOf(Buffer.from('layer'))
const stray = digestOf(Buffer.from('stray'))
const manifest = Buffer.from(JSON.stringify({ anything: [{ digest: layer }] }))
const descriptor = { digest: digestOf(manifest), mediaType: 'application/x', size: manifest.length }

let clock: FakeClock
let backend: Backend
let here: LocalIndex
let parts: CleanLinksComponents

const look = async (dryRun = false) => {
  const run = new GarbageRun({ ...here, clock }, newRun({ id: 'r', dryRun, graceMs }, clock.now()))
  await cleanLinks(parts, run, app, {})
  const { linksCondemned: condemned, linksWaiting: waiting, linksRemoved: removed } = run.report.counts
  return { condemned, waiting, removed }
}
const isLinked = async (digest: Digest) => (await backend.stat(indexKey(app, { kind: 'blob', digest }))) !== undefined

beforeEach(async () => {
  clock = fakeClock()
  backend = memoryBackend()
  const random = seededRandom(1)
  here = localIndex({ backend, clock, random })
  parts = {
    ...{ backend, records: here.records, clock, random, catalog: catalog({ backend, tags: here.tags }) },
    pace: tokenBucket(clock, { ratePerSecond: undefined }),
    readManifest: async () => manifest,
  }
  for (const digest of [layer, stray, descriptor.digest]) await here.index.putBlob(app, { digest, size: 5 })
  await here.index.putManifest(app, descriptor)
})

describe('a link', () => {
  test('is condemned when no manifest names its blob, and goes after the grace', async () => {
    expect(await look()).toEqual({ condemned: 1, waiting: 0, removed: 0 })
    await clock.advance(graceMs - 1)
    expect(await look()).toEqual({ condemned: 0, waiting: 1, removed: 0 })
    await clock.advance(1)
    expect(await look()).toEqual({ condemned: 0, waiting: 0, removed: 1 })
    expect([await isLinked(stray), await isLinked(layer), await isLinked(descriptor.digest)]).toEqual([
      false,
      true,
      true,
    ])
  })

  test('that is nowhere costs no read of a manifest, which would come from the registry of others', async () => {
    const mirrored = parseRepository('registry.test/team/app')
    await here.index.putManifest(mirrored, descriptor)
    const run = new GarbageRun({ ...here, clock }, newRun({ id: 'r', dryRun: false, graceMs }, clock.now()))
    const readManifest = () => Promise.reject(appError('MANIFEST_UNKNOWN'))
    await cleanLinks({ ...parts, readManifest }, run, mirrored, {})
    expect(run.report.counts).toMatchObject({ manifests: 1, links: 0 })
  })

  test('stays when somebody asks for it or puts it again', async () => {
    for (const use of [
      () => here.index.getBlob(app, stray),
      () => here.index.putBlob(app, { digest: stray, size: 5 }),
    ]) {
      await look()
      await clock.advance(graceMs)
      await use()
      expect(await look()).toEqual({ condemned: 1, waiting: 0, removed: 0 })
      await here.index.getBlob(app, stray)
    }
    expect(await isLinked(stray)).toBe(true)
  })

  test('stays when a manifest comes to name it, by whoever asked for it before it was condemned', async () => {
    await look()
    parts = { ...parts, readManifest: async () => Buffer.from(JSON.stringify({ note: `see ${stray}` })) }
    await clock.advance(graceMs)
    expect(await look()).toMatchObject({ removed: 0 })
    expect(await isLinked(stray)).toBe(true)
  })

  test('stays, as all of its repository, when a manifest cannot be read', async () => {
    await look()
    await clock.advance(graceMs)
    parts = { ...parts, readManifest: () => Promise.reject(appError('MANIFEST_UNKNOWN')) }
    await expect(look()).rejects.toMatchObject({ code: 'MANIFEST_UNKNOWN' })
    expect(await isLinked(stray)).toBe(true)
  })

  test('is only counted in a dry run', async () => {
    expect(await look(true)).toEqual({ condemned: 1, waiting: 0, removed: 0 })
    await look()
    await clock.advance(graceMs)
    expect(await look(true)).toEqual({ condemned: 0, waiting: 0, removed: 1 })
    expect(await isLinked(stray)).toBe(true)
  })
})

test('the catalog is put right', async () => {
  await backend.delete(indexKey(app, { kind: 'repository' }))
  await look()
  expect((await here.index.listRepositories()).repositories).toEqual(['team/app'])
})

test('a digest is found wherever it stands, also written in another way', () => {
  const escaped = `{"a":{"b":["x ${layer.replace('sha256:', String.raw`sha256\u003a`)}"]}}`
  expect([...namedDigests(Buffer.from(escaped))]).toEqual([layer])
})

test('every repository is walked once, whatever lies beside and below it', async () => {
  for (const name of ['a', 'a/b', 'a-b', 'a/1', 'reg.example.com:5000/x/y', 'reg.example.com:5000/x']) {
    const repository = parseRepository(name)
    await here.index.putBlob(repository, { digest: layer, size: 5 })
    await here.index.putManifest(repository, descriptor)
  }
  const walked: string[] = []
  for await (const { repository } of repositoriesIn(backend, {}))
    walked.push(`${repository.registry} ${repository.name}`)
  expect(walked).toHaveLength(7)
  expect(new Set(walked).size).toBe(7)
  const after = (await repositoriesIn(backend, {}).next()).value?.at
  const rest: string[] = []
  for await (const { repository } of repositoriesIn(backend, { after }))
    rest.push(`${repository.registry} ${repository.name}`)
  expect(rest).toEqual(walked.slice(1))
})
