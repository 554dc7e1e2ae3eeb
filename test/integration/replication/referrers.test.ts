import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { seededRandom } from '../../../lib/base/index.ts'
import { pushImage } from '../../contract/registry/running-registry.ts'
import { type Clusters, guardedCluster, startClusters } from '../../kit/clusters.ts'
import { eventually } from '../../kit/eventually.ts'
import { descriptorOf, type FixtureManifest, imageFixture, manifestFixture } from '../../kit/image-fixture.ts'

const random = seededRandom(Number(process.env['SEED'] ?? 17))
const names = ['one', 'two', 'three']
const OCI_IMAGE = 'application/vnd.oci.image.manifest.v1+json'
const image = imageFixture(random, [2000])

/** What another cluster shows to this one. */
const peering = (name: string) => `the-secret-for-peers-of-${name}`

let clusters: Clusters

/** `one` to `two` to `three`, and back to `one`. */
beforeAll(async () => {
  // The test asks at the admin listeners of build-indexes.
  const guarded = (name: string) => [
    ...guardedCluster({ service: `the-secret-of-services-${name}`, peering: peering(name) }),
    'buildIndex.anonymous=admin',
  ]
  const to = (name: string) => ({ [name]: { secret: peering(name) } })
  clusters = await startClusters({
    overrides: Object.fromEntries(names.map((name) => [name, guarded(name)])),
    clusters: { one: to('two'), two: to('three'), three: to('one') },
  })
}, 240_000)
afterAll(async () => clusters[Symbol.asyncDispose](), 60_000)

/** An attestation of a manifest, with a config of the image. */
const about = (subject: FixtureManifest, name: string) =>
  manifestFixture(OCI_IMAGE, {
    config: descriptorOf(image.config, 'application/vnd.oci.image.config.v1+json'),
    layers: [],
    artifactType: 'application/vnd.example.attestation',
    subject: descriptorOf(subject, OCI_IMAGE),
    annotations: { name },
  })

async function attach(repository: string, artifact: FixtureManifest): Promise<void> {
  const { status, headers } = await clusters
    .at('one')
    .registry.send('PUT', `/v2/${repository}/manifests/${artifact.digest}`, {
      body: artifact.bytes,
      headers: { 'content-type': artifact.mediaType },
    })
  expect([status, headers['oci-subject']]).toEqual([201, expect.any(String)])
}

/** Waits until every cluster lists just these as referrers of the subject, and has them. */
async function everywhere(repository: string, subject: FixtureManifest, wanted: readonly FixtureManifest[]) {
  const digests = wanted.map(({ digest }) => String(digest)).sort()
  for (const name of names) {
    const { agent } = clusters.at(name)
    await eventually(async () => {
      const listed = await agent.send('GET', `/v2/${repository}/referrers/${subject.digest}`)
      const { manifests } = listed.json() as { manifests: { digest: string }[] }
      expect(manifests.map(({ digest }) => digest)).toEqual(digests)
    })
    for (const { digest, bytes } of wanted) {
      const found = await agent.send('GET', `/v2/${repository}/manifests/${digest}`)
      expect(found.body.equals(bytes)).toBe(true)
    }
  }
}

test('what refers to an image goes with its tag, and what refers to that', async () => {
  const repository = 'team/before'
  const attestation = about(image.manifest, 'attestation')
  const signature = about(attestation, 'signature')
  await pushImage(clusters.at('one').registry, repository, image)
  for (const each of [attestation, signature]) await attach(repository, each)
  await pushImage(clusters.at('one').registry, repository, image, ['1.0'])
  for (const name of names) await clusters.at(name).hasTag(repository, '1.0', image.manifest.digest)
  await everywhere(repository, image.manifest, [attestation])
  await everywhere(repository, attestation, [signature])
})

test('what is attached later goes where the image is, through a chain, and a loop ends', async () => {
  const repository = 'team/later'
  await pushImage(clusters.at('one').registry, repository, image, ['1.0'])
  for (const name of names) await clusters.at(name).hasTag(repository, '1.0', image.manifest.digest)
  const attestations = ['a', 'b', 'c'].map((name) => about(image.manifest, name))
  await Promise.all(attestations.map((each) => attach(repository, each)))
  await everywhere(repository, image.manifest, attestations)
  // The last one tells the first, which has it: nothing is announced there, so that all come to rest.
  const runs = async () =>
    Promise.all(
      names.flatMap((name) =>
        ['build-index-1', 'build-index-2'].map((id) =>
          clusters.at(name).counter(id, 'shoal_replication_tags_total', 'outcome="gone"'),
        ),
      ),
    )
  const isQuiet = async () => {
    for (const name of names) {
      for (const state of ['waiting', 'running'] as const) {
        expect((await clusters.at(name).admin().replications({ state })).replications).toEqual([])
      }
    }
  }
  await eventually(isQuiet)
  const before = await runs()
  const next = about(image.manifest, 'd')
  await attach(repository, next)
  await everywhere(repository, image.manifest, [...attestations, next])
  await eventually(isQuiet)
  const sum = (counts: readonly number[]) => counts.reduce((total, count) => total + count, 0)
  expect(sum(await runs()) - sum(before)).toBeLessThanOrEqual(2 * names.length)
}, 240_000)
