import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { seededRandom } from '../../../lib/base/index.ts'
import { pushImage } from '../../contract/registry/running-registry.ts'
import { type Clusters, startClusters, type TestCluster } from '../../kit/clusters.ts'
import { eventually } from '../../kit/eventually.ts'
import { type FixtureManifest, imageFixture, manifestFixture } from '../../kit/image-fixture.ts'

const PUSHES = 200
const TAGS = 40
/** Divides the number of tags, so that all pushes of a tag are in one chain. */
const CHAINS = 8
const names = ['team/app', 'team/tool']
const indexes = ['build-index-1', 'build-index-2']
const random = seededRandom(Number(process.env['SEED'] ?? 13))

let clusters: Clusters
let near: TestCluster
let far: TestCluster

beforeAll(async () => {
  const replication = { retry: { first: '200ms', most: '5s' } }
  clusters = await startClusters({ clusters: { near: { far: {} }, far: {} }, replication })
  near = clusters.at('near')
  far = clusters.at('far')
})
afterAll(async () => {
  await clusters[Symbol.asyncDispose]()
})

test('a cluster that was away for 200 pushes catches up, each tag at its newest', async () => {
  for (const id of indexes) await far.stop(id)
  const newest = new Map<string, FixtureManifest>()
  const image = imageFixture(random, [500])
  for (const name of names) await pushImage(near.registry, name, image)
  const push = async (i: number) => {
    const [name = '', tag] = [names[i % names.length], `v${i % TAGS}`]
    const { mediaType } = image.manifest
    const fields = JSON.parse(Buffer.from(image.manifest.bytes).toString()) as object
    const manifest = manifestFixture(mediaType, { ...fields, annotations: { push: String(i) } })
    const init = { headers: { 'content-type': mediaType }, body: manifest.bytes }
    expect((await near.registry.send('PUT', `/v2/${name}/manifests/${tag}`, init)).status).toBe(201)
    newest.set(`${name} ${tag}`, manifest)
  }
  // Several at a time, but those of one tag one after the other.
  const chain = async (first: number) => {
    for (let i = first; i < PUSHES; i += CHAINS) await push(i)
  }
  await Promise.all(Array.from({ length: CHAINS }, (_, first) => chain(first)))
  await eventually(async () => {
    const { replications } = await near.admin().replications({ state: 'waiting', n: '5' })
    expect(replications.some(({ lastError }) => lastError?.code === 'NO_HEALTHY_MEMBER')).toBe(true)
  })
  for (const id of indexes) await far.start(id)
  for (const [target, manifest] of newest) {
    const [name = '', tag = ''] = target.split(' ')
    await far.hasTag(name, tag, manifest.digest, 120_000)
  }
  await eventually(async () => {
    const { replications } = await near.admin().replications({ n: '500' })
    expect(replications.length).toBe(newest.size)
    expect(replications.filter(({ state }) => state !== 'done')).toEqual([])
  })
}, 600_000)

test('tags of before a rule go along, and it is told how far the search is', async () => {
  await using later = await startClusters({
    clusters: { near: { far: { rules: [{ repository: 'nothing' }] } }, far: {} },
  })
  const [from, to] = [later.at('near'), later.at('far')]
  const images = ['a', 'b', 'c'].map((name) => ({ name: `old/${name}`, image: imageFixture(random, [500]) }))
  for (const { name, image } of images) await pushImage(from.registry, name, image, ['1.0', '2.0'])
  later.plan('near', { far: { rules: [{ repository: 'old/*', tag: '1*' }] } })
  for (const id of indexes) {
    await from.stop(id)
    await from.start(id)
  }
  for (const { name, image } of images) await to.hasTag(name, '1.0', image.manifest.digest)
  for (const { name } of images) await to.hasTag(name, '2.0', undefined, 1)
  await eventually(async () => {
    const { remotes } = await from.admin().remotes({})
    expect(remotes[0]?.rules).toMatchObject([{ repository: 'old/*', tag: '1*', looked: 6, fitting: 3 }])
    expect(remotes[0]?.rules[0]?.doneAtMs).toBeGreaterThan(0)
    expect(remotes[0]).toMatchObject({ reachable: true, cluster: 'far', opensInMs: 0 })
  })
}, 200_000)
