import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { seededRandom } from '../../../lib/base/index.ts'
import { pushImage } from '../../contract/registry/running-registry.ts'
import { type Clusters, startClusters } from '../../kit/clusters.ts'
import { eventually } from '../../kit/eventually.ts'
import { imageFixture } from '../../kit/image-fixture.ts'

const random = seededRandom(Number(process.env['SEED'] ?? 11))
const names = ['one', 'two', 'three']

let clusters: Clusters

/** `one` to `two` to `three`, and back to `one`. Only `two` replicates the deletion of a tag. */
beforeAll(async () => {
  clusters = await startClusters({
    clusters: { one: { two: {} }, two: { three: { deletes: true } }, three: { one: {} } },
  })
  // Each has looked for tags of before, so that what comes now is replicated for one reason only.
  for (const name of names) {
    await eventually(async () => {
      const { remotes } = await clusters.at(name).admin().remotes({})
      expect(remotes.flatMap(({ rules }) => rules).every(({ doneAtMs }) => doneAtMs !== undefined)).toBe(true)
    })
  }
}, 240_000)
afterAll(async () => {
  await clusters[Symbol.asyncDispose]()
})

/** How often each cluster has asked whether a tag must be sent, by how it ended. */
async function runs(outcome: string): Promise<readonly number[]> {
  return Promise.all(
    names.map(async (name) => {
      const counts = ['build-index-1', 'build-index-2'].map((id) =>
        clusters.at(name).counter(id, 'shoal_replication_tags_total', `outcome="${outcome}"`),
      )
      return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0)
    }),
  )
}

const more = (before: readonly number[], now: readonly number[]) => now.map((count, i) => count - (before[i] ?? 0))

test('a chain of three brings a tag to the last, and the loop ends where it began', async () => {
  const [before, taken] = [await runs('same'), await runs('taken')]
  const image = imageFixture(random, [30_000, 100])
  await pushImage(clusters.at('one').registry, 'team/app', image, ['1.0'])
  for (const name of names) await clusters.at(name).hasTag('team/app', '1.0', image.manifest.digest)
  // The last one asks the first whether it has the tag; that is the end. Any task may be done twice, and then asks again.
  await eventually(async () => expect(more(before, await runs('same'))[2]).toBeGreaterThan(0))
  expect(more(taken, await runs('taken'))).toEqual([1, 1, 0])
  const versionsNow = () =>
    Promise.all(
      [
        ['one', 'two'],
        ['two', 'three'],
        ['three', 'one'],
      ].map(async ([from = '', remote = '']) => {
        const { version } = await clusters.at(from).admin().replication({ remote, repository: 'team/app', tag: '1.0' })
        return version
      }),
    )
  // The status is written a moment after the end is counted.
  await eventually(async () => expect(await versionsNow()).not.toContain(undefined))
  const versions = await versionsNow()
  expect(versions).toEqual([versions[0], versions[0], versions[0]])
  expect(versions[0]?.cluster).toBe('one')
  const pulled = await clusters.at('three').agent.send('GET', '/v2/team/app/manifests/1.0')
  expect(pulled.body.equals(image.manifest.bytes)).toBe(true)
})

test('a tag that is pushed in all of them at once ends as the same everywhere', async () => {
  const images = names.map(() => imageFixture(random, [2000]))
  await Promise.all(names.map((name, i) => pushImage(clusters.at(name).registry, 'team/race', images[i]!, ['1.0'])))
  await eventually(async () => {
    const heads = names.map((name) => clusters.at(name).registry.send('HEAD', '/v2/team/race/manifests/1.0'))
    const digests = (await Promise.all(heads)).map(({ headers }) => headers['docker-content-digest'])
    expect(new Set(digests).size).toBe(1)
    const later = await Promise.all(
      [
        ['one', 'two'],
        ['two', 'three'],
        ['three', 'one'],
      ].map(([from = '', remote = '']) =>
        clusters.at(from).admin().replication({ remote, repository: 'team/race', tag: '1.0' }),
      ),
    )
    expect(later.every(({ state }) => state === 'done' || state === 'lost')).toBe(true)
  })
})
