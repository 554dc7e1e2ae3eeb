import { expect, test } from '@jest/globals'
import { memoryBackend } from '../../../../lib/backend/index.ts'
import { fakeClock, seededRandom, tokenBucket } from '../../../../lib/base/index.ts'
import { type Digest, digestOf, parseRepository, parseTag } from '../../../../lib/core/index.ts'
import { silentLogger } from '../../../../lib/telemetry/index.ts'
import { catalog } from '../../../../services/build-index/catalog.ts'
import { judgeTags } from '../../../../services/build-index/retention/judge-tags.ts'
import { repositoryManifests } from '../../../../services/build-index/retention/repository-manifests.ts'
import { retention } from '../../../../services/build-index/retention/retention.ts'
import { blobKey } from '../../../../services/origin/blob-keys.ts'
import { type GarbageWorld, lookOnce, passing } from '../../../kit/garbage-lab.ts'
import { type PushedImage, pusher } from '../../../kit/garbage-pushers.ts'
import { localIndex } from '../../../kit/local-index.ts'

const app = parseRepository('team/app')
const [olderThanMs, graceMs] = [3_600_000, 400]
const immortal = { left: Number.POSITIVE_INFINITY }
const newest = [{ repository: '*', tag: '*', newest: 1, immutable: false }]

function imageOf(version: number, shared: Uint8Array): PushedImage {
  const layers = [shared, Buffer.from(`layer of ${version}`)]
  const manifest = Buffer.from(
    JSON.stringify({ version, layers: layers.map((bytes) => ({ digest: digestOf(bytes) })) }),
  )
  const descriptor = { digest: digestOf(manifest), mediaType: 'application/x', size: manifest.length }
  return { repository: app, layers, manifest, descriptor, tag: parseTag(`v${version}`) }
}

/** Looks by rules, of which one keeps the newest tag alone, and one lets go what no tag needs. */
function retentionIn(world: GarbageWorld) {
  const { clock, random, plain } = world
  const { records, tags } = localIndex({ backend: plain.index, clock, random })
  const pace = tokenBucket(clock, { ratePerSecond: undefined })
  const readManifest = async (_: unknown, digest: Digest) => {
    const found = await plain.blobs.read(blobKey(digest))
    return found === undefined ? Buffer.from('{}') : Buffer.concat(await found.body.toArray())
  }
  const parts = { backend: plain.index, records, tags, clock, random, pace, logger: silentLogger() }
  const kept = { ...parts, catalog: catalog({ backend: plain.index, tags }) }
  const manifests = { ...kept, readManifest, stored: { held: async () => [] } }
  return retention(
    {
      ...kept,
      notes: { recordedSinceMs: async () => undefined, pulledAtMs: async () => undefined },
      judge: judgeTags({ rules: newest, protect: [], isImmutable: () => false }),
      manifests: repositoryManifests(manifests, [{ repository: '*', olderThan: olderThanMs }]),
    },
    { mayRemove: true, intervalMs: undefined, leaseMs: 15_000 },
  )
}

test('of five versions one is kept: after looks of retention and for garbage only its objects are left', async () => {
  const [clock, random, plain] = [fakeClock(), seededRandom(3), { index: memoryBackend(), blobs: memoryBackend() }]
  const world: GarbageWorld = { clock, random, plain, graceMs, calls: { underWay: 0 } }
  const shared = Buffer.from('shared layer')
  const images = [1, 2, 3, 4, 5].map((version) => imageOf(version, shared))
  for (const image of images) {
    await passing(world, pusher(world, immortal).push(image, app))
    await clock.advance(10)
  }
  const rules = retentionIn(world)
  const looked = async () => {
    await passing(world, rules.order({ dryRun: false }))
    for (let i = 0; i < 200 && (await rules.report()).state === 'running'; i += 1) await clock.advance(50)
    return rules.report()
  }
  await rules.start()
  // Tags go in the first look, manifests after their time, links and blobs after a grace each.
  expect(await looked()).toMatchObject({
    state: 'done',
    counts: { removed: 4 },
    untagged: { condemned: 4, removed: 0 },
  })
  await clock.advance(olderThanMs)
  expect(await looked()).toMatchObject({ state: 'done', untagged: { removed: 4, spared: 0, kept: { tagged: 1 } } })
  for (let i = 0; i < 4; i += 1) {
    await passing(world, lookOnce(world, immortal))
    await clock.advance(graceMs + 1)
  }
  const stopped = rules.stop()
  await clock.advance(5_000)
  await stopped
  const last = images[4] as PushedImage
  const left = [last.manifest, ...last.layers].map((bytes) => digestOf(bytes))
  expect((await plain.blobs.list('blobs/', {})).keys).toEqual(left.map(blobKey).sort())
  const entries = (await plain.index.list('index/', {})).keys.filter((key) => /_(?:blobs|manifests|tags)\//.test(key))
  expect(entries).toEqual(
    [
      ...left.map((digest) => `index/repositories/team/app/_blobs/${digest}`),
      `index/repositories/team/app/_manifests/${last.descriptor.digest}`,
      ...images.map(({ tag }) => `index/repositories/team/app/_tags/${tag}`),
    ].sort(),
  )
  expect(
    (await localIndex({ backend: plain.index, clock, random }).tags.read(app, parseTag('v1')))?.target,
  ).toBeUndefined()
})
