import { expect, test } from '@jest/globals'
import { seededRandom } from '../../../lib/base/index.ts'
import { parseRepository } from '../../../lib/core/index.ts'
import { blobPrefix, indexKey, manifestPrefix } from '../../../services/build-index/index-keys.ts'
import { blobKey } from '../../../services/origin/blob-keys.ts'
import { type SharedClient, sharedClient } from '../../kit/garbage-clients.ts'
import { startGarbageCluster } from '../../kit/garbage-cluster.ts'
import { type SharedImage, sharedImages } from '../../kit/garbage-images.ts'
import { registryClient } from '../../kit/registry-client.ts'

/** Rounds of kills; minutes of them, and other ones, with the variables. On S3 that is the server of the kit. */
const ROUNDS = Number(process.env['GARBAGE_ROUNDS'] ?? 1)
const SEED = Number(process.env['GARBAGE_SEED'] ?? Date.now() % 1_000_000)
const DRIVER = process.env['GARBAGE_BACKEND'] === 's3' ? 's3' : 'file'

const CLIENTS = 50
/** Of origins, and of build-indexes, in a round. */
const KILLS = 1
const LEAST_PUSHES = 40
/** A short run only has things condemned meanwhile: on a slow machine nothing would be pushed within a short grace. */
const GRACE_MS = Number(process.env['GARBAGE_GRACE_MS'] ?? (ROUNDS > 1 ? 4_000 : 20_000))
/** What a client saw is linked before the grace is over, or its request is given up. */
const PATIENCE_MS = GRACE_MS * 0.6
const repositories = ['team/a', 'team/a/b', 'team/c', 'other']

test.each([SEED])(
  'nothing that is needed is lost, and all else goes, with 50 clients, whichever process is killed when: seed %d',
  async (seed) => {
    const random = seededRandom(seed)
    await using cluster = await startGarbageCluster({ graceMs: GRACE_MS, leaseMs: 1_500, intervalMs: 300 }, DRIVER)
    const { shoal } = cluster
    const images = sharedImages(random, { clients: CLIENTS, images: 3, layers: 30, repositories })
    const clients = images.map((own) =>
      sharedClient(registryClient(shoal.url('proxy-1', 'registry')), {
        ...{ random, images: own, repositories, patienceMs: PATIENCE_MS },
      }),
    )
    const state = { isOver: false }
    const acting = clients.map(async (client) => {
      // Without pushes a run shows nothing.
      while (!state.isOver || sumOf(clients, 'pushed') < LEAST_PUSHES) await client.act()
    })
    const all = Promise.all(acting)
    const killing = cluster.killSome(random, () => !state.isOver, KILLS * ROUNDS)
    try {
      // What is lost ends the test at once.
      await Promise.race([all, killing])
      await killing
    } finally {
      state.isOver = true
      await Promise.allSettled([all, killing])
    }
    await Promise.all([all, killing])

    const removed = cluster.removed()
    await cluster.hurry()
    await Promise.all(clients.map((client) => client.settle()))
    const reports = [await cluster.look(), await cluster.look(), await cluster.look(), await cluster.look()]
    await Promise.all(clients.map((client) => client.readAll()))
    expect(reports.map(({ state: ended }) => ended)).toEqual(['done', 'done', 'done', 'done'])
    expect(named(await cluster.keys())).toEqual(neededBy(clients))
    report(clients, removed)
    // Else a long run has shown nothing.
    if (ROUNDS > 3) expect(removed).toBeGreaterThan(0)
    expect(shoal.crashes).toEqual(new Map())
  },
  // A long run is not to end for its machine.
  ROUNDS > 1 ? 60 * 60_000 : 270_000,
)

const sumOf = (clients: readonly SharedClient[], name: keyof SharedClient['done']) =>
  clients.reduce((sum, { done }) => sum + done[name], 0)

function report(clients: readonly SharedClient[], removed: number): void {
  const counts = (['pushed', 'deleted', 'pulled', 'mounted', 'cutShort'] as const).map(
    (name) => `${name} ${sumOf(clients, name)}`,
  )
  process.stdout.write(`garbage, seed ${SEED}: ${counts.join(', ')}; blobs removed meanwhile ${removed}\n`)
}

/** The keys that the model can name: blobs, links, manifests, referrers, sentences, the catalog. */
const named = (keys: readonly string[]): readonly string[] =>
  // Of deleted tags the versions stay for a while; the looks themselves have records.
  keys.filter((key) => !/^garbage\/(?:run|index|lease|members|clusters)|\/_(?:tags|deleted)\//.test(key)).toSorted()

function neededBy(clients: readonly SharedClient[]): readonly string[] {
  const present = clients.flatMap(({ held }) => [...held].filter(([, is]) => is === 'present').map(([image]) => image))
  return [...new Set(present.flatMap(keysOf))].toSorted()
}

function keysOf({ name, blobs, manifests }: SharedImage): readonly string[] {
  const repository = parseRepository(name)
  const digests = [...blobs.keys(), ...manifests.map(({ digest }) => digest)]
  const [first, second] = manifests
  const subject = first && second?.bytes.includes('"subject"') ? [{ subject: first.digest, digest: second.digest }] : []
  return [
    ...digests.map(blobKey),
    ...digests.map((digest) => blobPrefix(repository) + digest),
    ...manifests.map(({ digest }) => manifestPrefix(repository) + digest),
    ...subject.map((each) => indexKey(repository, { kind: 'referrer', ...each })),
    indexKey(repository, { kind: 'repository' }),
  ]
}
