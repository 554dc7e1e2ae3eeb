import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { seededRandom } from '../../../lib/base/index.ts'
import { pushImage } from '../../contract/registry/running-registry.ts'
import { type Clusters, guardedCluster, startClusters, type TestCluster } from '../../kit/clusters.ts'
import { eventually } from '../../kit/eventually.ts'
import { imageFixture } from '../../kit/image-fixture.ts'

const random = seededRandom(Number(process.env['SEED'] ?? 11))
const indexes = ['build-index-1', 'build-index-2']
/** The near cluster has it in its config alone. */
const secret = 'the-secret-for-the-near-cluster'

let clusters: Clusters
let near: TestCluster
let far: TestCluster
let generation = 0

beforeAll(async () => {
  clusters = await startClusters({
    replication: { managed: { secrets: [{ hosts: ['127.0.0.1'], secret }] } },
    overrides: {
      near: ['buildIndex.anonymous=admin'],
      far: [
        ...guardedCluster({ service: 'the-secret-of-the-far-services', peering: secret }),
        'buildIndex.anonymous=none',
      ],
    },
    clusters: { near: {}, far: {} },
  })
  near = clusters.at('near')
  far = clusters.at('far')
})
afterAll(async () => {
  await clusters[Symbol.asyncDispose]()
})

/** Longer than until the second walk of a rule that is given. */
const LATE_MS = 200_000

/** Gives the far cluster as a remote, with these patterns of repositories. */
function give(...patterns: readonly string[]) {
  generation += 1
  const urls = indexes.map((id) => far.url(id))
  const remotes = [{ name: 'far', urls, rules: patterns.map((repository) => ({ repository })) }]
  return near.admin().giveRemotes({ body: { manager: 'm', generation, remotes } })
}

const push = async (repository: string, tag: string) => {
  const image = imageFixture(random, [1000])
  await pushImage(near.registry, repository, image, [tag])
  return image.manifest.digest
}

/** Each build-index of the near cluster has these remotes. */
const haveAll = (names: readonly string[]) =>
  eventually(async () => {
    for (const id of indexes)
      expect((await near.admin(id).remotes({})).remotes.map(({ name, from }) => `${from} ${name}`)).toEqual(names)
  })

test('a remote that is given while all run gets what its rules fit, over restarts, until it is taken away', async () => {
  expect(await near.admin().remotes({})).toMatchObject({ remotes: [] })
  expect(await give('team/*')).toMatchObject({ by: 'admin', manager: 'm', generation: 1, count: 1 })
  // By way of any build-index, whether it knows the rule by now or not.
  // One that did not know it yet may have taken a tag after the first walk: then the second one finds it.
  for (const name of ['team/a', 'team/b', 'team/c']) await far.hasTag(name, '1.0', await push(name, '1.0'), LATE_MS)
  await haveAll(['given far'])
  const said = await near.admin('build-index-2').givenRemotes({})
  expect(said).toMatchObject({ by: 'admin', generation: 1, count: 1 })
  expect(said.remotes).toMatchObject([
    { name: 'far', from: 'given', secret: true, rules: [{ repository: 'team/*', tag: '*' }], concurrency: 4 },
  ])
  expect(JSON.stringify(said)).not.toContain(secret)

  const older = await push('older/app', '1.0')
  await give('team/*', 'older/*')
  await far.hasTag('older/app', '1.0', older)

  for (const id of indexes) await near.stop(id)
  for (const id of indexes) await near.start(id)
  await haveAll(['given far'])
  await far.hasTag('team/after', '1.0', await push('team/after', '1.0'))

  const stale = { manager: 'm', generation: 1, remotes: [] }
  await expect(near.admin().giveRemotes({ body: stale })).rejects.toMatchObject({ code: 'REMOTES_STALE' })
  const url = `${near.url('build-index-2', 'admin')}/replication/remotes`
  const release = (seen: string) => fetch(url, { method: 'DELETE', headers: { 'if-match': seen } })
  expect((await release('"old"')).status).toBe(412)
  expect((await release((await fetch(url)).headers.get('etag') ?? '')).status).toBe(200)
  await haveAll([])
  await push('team/gone', '1.0')
  await give('marker/*')
  await far.hasTag('marker/app', '1.0', await push('marker/app', '1.0'))
  await far.hasTag('team/gone', '1.0', undefined, 1)
  expect((await near.admin().replications({ repository: 'team/gone' })).replications).toEqual([])
}, 500_000)

test('without the key in the config nobody gives any', async () => {
  await using plain = await startClusters({ clusters: { near: {} } })
  const admin = plain.at('near').admin()
  const body = { manager: 'm', generation: 1, remotes: [] }
  await expect(admin.giveRemotes({ body })).rejects.toMatchObject({ code: 'REMOTES_OFF' })
  await expect(admin.givenRemotes({})).rejects.toMatchObject({ code: 'REMOTES_OFF' })
})
