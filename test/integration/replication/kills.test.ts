import { randomInt } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { seededRandom, systemClock } from '../../../lib/base/index.ts'
import { pushImage } from '../../contract/registry/running-registry.ts'
import { type Clusters, startClusters, type TestCluster } from '../../kit/clusters.ts'
import { type FixtureImage, imageFixture } from '../../kit/image-fixture.ts'

const MIB = 1024 * 1024
/** What a sender sends and has acknowledged at once. */
const PIECE = MIB
const kills = Number(process.env['REPLICATION_KILLS'] ?? 5)
const seed = Number(process.env['SEED'] ?? randomInt(1_000_000))
const random = seededRandom(seed)
const clock = systemClock()

const victims = [
  ...['build-index-1', 'build-index-2', 'origin-1', 'origin-2'].map((id) => ({ cluster: 'near', id })),
  ...['build-index-1', 'build-index-2', 'origin-1', 'origin-2'].map((id) => ({ cluster: 'far', id })),
]

let clusters: Clusters
let near: TestCluster
let far: TestCluster

beforeAll(async () => {
  process.stdout.write(`SEED=${seed} REPLICATION_KILLS=${kills}\n`)
  clusters = await startClusters({
    clusters: { near: { far: { bandwidth: '32MB/s', concurrency: 2 } }, far: {} },
    processes: ['build-index-1', 'build-index-2', 'origin-1', 'origin-2'],
  })
  near = clusters.at('near')
  far = clusters.at('far')
}, 300_000)
afterAll(async () => {
  await clusters[Symbol.asyncDispose]()
})

const sentBy = (id: string) => near.counter(id, 'shoal_sent_bytes_total', 'to="cluster"')

/** Bytes that the far cluster acknowledged to the near origins; those of a process that is to be killed are kept. */
const kept = { bytes: 0 }
async function sentBytes(): Promise<number> {
  const [one, two] = await Promise.all([sentBy('origin-1'), sentBy('origin-2')])
  return kept.bytes + one + two
}

async function arrives(image: FixtureImage, tag: string): Promise<void> {
  await far.hasTag('team/app', tag, image.manifest.digest, 120_000)
  for (const { digest, bytes } of [image.config, ...image.layers]) {
    const { body } = await far.registry.send('GET', `/v2/team/app/blobs/${digest}`)
    expect(body.equals(bytes)).toBe(true)
  }
}

/** All bytes of an image. */
const sizeOf = ({ config, layers, manifest }: FixtureImage) =>
  [config, ...layers, manifest].reduce((sum, { bytes }) => sum + bytes.byteLength, 0)

test(
  'a kill at a random step loses no tag, and has at most a piece sent twice for each blob under way',
  async () => {
    let unique = 0
    for (let i = 0; i < kills; i += 1) {
      const image = imageFixture(random, [3 * MIB + i, 5 * MIB + i])
      unique += sizeOf(image)
      const victim = victims[Math.floor(random.next() * victims.length)]!
      const afterMs = Math.floor(random.next() * 3000)
      process.stdout.write(`kill ${i + 1}: ${victim.cluster} ${victim.id} after ${afterMs} ms\n`)
      await pushImage(near.registry, 'team/app', image, [`v${i}`])
      await clock.sleep(afterMs)
      if (victim.cluster === 'near' && victim.id.startsWith('origin')) kept.bytes += await sentBy(victim.id)
      const cluster = clusters.at(victim.cluster)
      await cluster.kill(victim.id)
      await cluster.start(victim.id)
      await arrives(image, `v${i}`)
    }
    const again = (await sentBytes()) - unique
    process.stdout.write(`${again} bytes were sent again in ${kills} kills\n`)
    // Of a sender that is killed, what it sent after its counter was read is missing: the slower the machine, the more.
    expect(again).toBeGreaterThanOrEqual(-kills * 2 * PIECE)
    expect(again).toBeLessThanOrEqual(kills * 2 * PIECE)
  },
  kills * 150_000,
)
