import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { seededRandom } from '../../../lib/base/index.ts'
import { digestHex } from '../../../lib/core/index.ts'
import { pushImage } from '../../contract/registry/running-registry.ts'
import { type Clusters, guardedCluster, startClusters, type TestCluster } from '../../kit/clusters.ts'
import { eventually } from '../../kit/eventually.ts'
import { type FixtureManifest, imageFixture, indexFixture } from '../../kit/image-fixture.ts'
import type { RegistryClient } from '../../kit/registry-client.ts'

const random = seededRandom(Number(process.env['SEED'] ?? 7))
const MIB = 1024 * 1024

/** All that the near cluster is given of the far one's secrets. */
const secret = 'the-secret-for-the-near-cluster'

let clusters: Clusters
let near: TestCluster
let far: TestCluster

beforeAll(async () => {
  clusters = await startClusters({
    overrides: {
      near: [
        ...guardedCluster({ service: 'the-secret-of-the-near-services', peering: 'the-secret-for-the-far-cluster' }),
        // The test asks at its admin listener.
        'buildIndex.anonymous=admin',
      ],
      far: guardedCluster({ service: 'the-secret-of-the-far-services', peering: secret }),
    },
    clusters: {
      near: { far: { secret, rules: [{ repository: 'team/*' }, { repository: 'only/v', tag: 'v*' }], deletes: true } },
      far: {},
    },
  })
  near = clusters.at('near')
  far = clusters.at('far')
})
afterAll(async () => {
  await clusters[Symbol.asyncDispose]()
})

async function putManifest(client: RegistryClient, name: string, tag: string, manifest: FixtureManifest) {
  const init = { headers: { 'content-type': manifest.mediaType }, body: manifest.bytes }
  expect((await client.send('PUT', `/v2/${name}/manifests/${tag}`, init)).status).toBe(201)
}

const blobThere = async (client: RegistryClient, name: string, digest: string) =>
  (await client.send('GET', `/v2/${name}/blobs/${digest}`)).body

describe('a tag that is pushed to one cluster', () => {
  test('is pulled from an agent of the other, with all its layers', async () => {
    const image = imageFixture(random, [1000, 2 * MIB, 0])
    await pushImage(near.registry, 'team/app', image, ['1.0'])
    await far.hasTag('team/app', '1.0', image.manifest.digest)
    const pulled = await far.agent.send('GET', '/v2/team/app/manifests/1.0')
    expect(pulled.body.equals(image.manifest.bytes)).toBe(true)
    for (const { digest, bytes } of [image.config, ...image.layers]) {
      expect((await blobThere(far.agent, 'team/app', digest)).equals(bytes)).toBe(true)
    }
    const status = await eventually(async () => {
      const found = await near.admin().replication({ remote: 'far', repository: 'team/app', tag: '1.0' })
      expect(found.state).toBe('done')
      return found
    })
    expect(status).toMatchObject({ outcome: 'taken', digest: image.manifest.digest, uploads: [] })
    expect(status.doneBytes).toBe(status.totalBytes)
  })

  test('takes indexes with their children along, and signatures before it', async () => {
    const children = [imageFixture(random, [5000]), imageFixture(random, [7000])]
    const inner = indexFixture(children.slice(1))
    const outer = indexFixture([
      { ...children[0]!, manifest: children[0]!.manifest },
      { ...children[1]!, manifest: inner },
    ])
    const signature = imageFixture(random, [200])
    for (const child of children) await pushImage(near.registry, 'team/multi', child)
    await putManifest(near.registry, 'team/multi', inner.digest, inner)
    await pushImage(near.registry, 'team/multi', signature, [`sha256-${digestHex(children[1]!.manifest.digest)}.sig`])
    await putManifest(near.registry, 'team/multi', 'all', outer)
    await far.hasTag('team/multi', 'all', outer.digest)
    await far.hasTag(
      'team/multi',
      `sha256-${digestHex(children[1]!.manifest.digest)}.sig`,
      signature.manifest.digest,
      1,
    )
    for (const { config, layers } of [...children, signature]) {
      for (const { digest, bytes } of [config, ...layers]) {
        expect((await blobThere(far.registry, 'team/multi', digest)).equals(bytes)).toBe(true)
      }
    }
    for (const { digest } of [inner, ...children.map(({ manifest }) => manifest)]) {
      expect((await far.registry.send('HEAD', `/v2/team/multi/manifests/${digest}`)).status).toBe(200)
    }
  })

  test('goes nowhere when no rule fits, but when an admin asks for it; a signature goes where its image is', async () => {
    const [wanted, unwanted] = [imageFixture(random), imageFixture(random)]
    await pushImage(near.registry, 'only/v', unwanted, ['latest'])
    await pushImage(near.registry, 'only/v', wanted, ['v1'])
    await far.hasTag('only/v', 'v1', wanted.manifest.digest)
    await far.hasTag('only/v', 'latest', undefined, 1)
    const signature = imageFixture(random)
    const tagOf = (of: typeof wanted) => `sha256-${digestHex(of.manifest.digest)}.sig`
    await pushImage(near.registry, 'only/v', signature, [tagOf(unwanted), tagOf(wanted)])
    await far.hasTag('only/v', tagOf(wanted), signature.manifest.digest)
    await far.hasTag('only/v', tagOf(unwanted), undefined, 1)
    const body = { repository: 'only/v', tag: 'latest', remote: 'far' }
    expect(await near.admin('build-index-2').replicate({ body })).toEqual({
      remotes: ['far'],
      before: [{ remote: 'far' }],
    })
    await far.hasTag('only/v', 'latest', unwanted.manifest.digest)
  })

  test('is deleted there when it is deleted here', async () => {
    const image = imageFixture(random)
    await pushImage(near.registry, 'team/gone', image, ['1.0', 'stays'])
    await far.hasTag('team/gone', '1.0', image.manifest.digest)
    await far.hasTag('team/gone', 'stays', image.manifest.digest)
    expect((await near.registry.send('DELETE', '/v2/team/gone/manifests/1.0')).status).toBe(202)
    await far.hasTag('team/gone', '1.0', undefined)
    await far.hasTag('team/gone', 'stays', image.manifest.digest, 1)
  })

  test('that moves again and again ends at the newest', async () => {
    const images = Array.from({ length: 12 }, () => imageFixture(random, [20_000]))
    for (const image of images) await pushImage(near.registry, 'team/moving', image, ['latest'])
    await far.hasTag('team/moving', 'latest', images.at(-1)!.manifest.digest)
  })

  test('loses against a later one of the other cluster, and the status and a metric say so', async () => {
    const [mine, theirs] = [imageFixture(random), imageFixture(random)]
    await pushImage(near.registry, 'other/app', mine, ['1.0'])
    await pushImage(far.registry, 'other/app', theirs, ['1.0'])
    await near.admin().replicate({ body: { repository: 'other/app', tag: '1.0', remote: 'far' } })
    await eventually(async () => {
      const found = await near.admin().replication({ remote: 'far', repository: 'other/app', tag: '1.0' })
      expect(found).toMatchObject({ state: 'lost', outcome: 'older', laterVersion: { cluster: 'far' } })
    })
    await far.hasTag('other/app', '1.0', theirs.manifest.digest, 1)
    const counts = await Promise.all(
      ['build-index-1', 'build-index-2'].map((id) => near.counter(id, 'shoal_replication_conflicts_total')),
    )
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(1)
  })
})

test('what the other cluster has already is not sent again', async () => {
  const image = imageFixture(random, [MIB])
  const sent = async () => {
    const counts = ['build-index-1', 'build-index-2'].map((id) =>
      near.counter(id, 'shoal_replication_sent_bytes_total'),
    )
    return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0)
  }
  await pushImage(near.registry, 'team/first', image, ['1.0'])
  await far.hasTag('team/first', '1.0', image.manifest.digest)
  const before = await sent()
  await pushImage(near.registry, 'team/second', image, ['1.0'])
  await far.hasTag('team/second', '1.0', image.manifest.digest)
  expect((await sent()) - before).toBe(0)
})
