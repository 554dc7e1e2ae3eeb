import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { deferred, seededRandom } from '../../../lib/base/index.ts'
import { digestOf } from '../../../lib/core/index.ts'
import { pushImage } from '../../contract/registry/running-registry.ts'
import { clusterOf } from '../../kit/cluster.ts'
import { eventually } from '../../kit/eventually.ts'
import { pauseAfter } from '../../kit/http-faults.ts'
import { type FixtureImage, imageFixture } from '../../kit/image-fixture.ts'
import { registryClient } from '../../kit/registry-client.ts'
import { buildResource } from '../../kit/resource-stack.ts'
import { s3Config } from '../../kit/s3-object.ts'
import { startS3Server } from '../../kit/s3-server/index.ts'
import { startTopology } from '../../kit/topology.ts'

/** How much of it. The acceptance of a release is 200 and 20, and then each service restarts; fewer are for CI. */
const PULLS = Number(process.env['SHOAL_TEST_PULLS'] ?? 20)
const PUSHES = Number(process.env['SHOAL_TEST_PUSHES'] ?? 5)
const isWhole = PULLS >= 200
const MOST_FROM_BACKEND = 1.1

const agents = ['agent-1', 'agent-2', 'agent-3', 'agent-4']
const origins = ['origin-1', 'origin-2', 'origin-3']
const rolled = [...origins, 'tracker-1', 'build-index-1', ...(isWhole ? ['tracker-2', 'build-index-2'] : [])]
/** Several pieces each, and so slow at the limits below that restarts find them under way. */
const LAYERS = [3_000_000, 400_000]

interface Cold {
  readonly name: string
  readonly image: FixtureImage
}

/** A cluster with images that only its backend has. */
function startCold(images: number) {
  return buildResource(async (stack) => {
    const s3 = stack.own(await startS3Server())
    const shoal = stack.own(
      await startTopology({
        ...{ agents: agents.length, origins: origins.length, trackers: 2, processes: rolled },
        backends: { blobs: s3Config(s3), index: s3Config(s3) },
        overrides: ['agent.limits.download=8MB/s'],
      }),
    )
    const isReady = (id: string) =>
      eventually(async (signal) => expect((await fetch(`${shoal.url(id, 'ops')}/readyz`, { signal })).status).toBe(200))
    const proxy = registryClient(shoal.url('proxy-1', 'registry'))
    const random = seededRandom(1301)
    const cold: Cold[] = []
    for (let i = 0; i < images; i += 1) {
      const each = { name: `cold/${i}`, image: imageFixture(random, LAYERS) }
      await pushImage(proxy, each.name, each.image, ['v1'])
      cold.push(each)
    }
    await Promise.all(origins.map((id) => shoal.stop(id)))
    await Promise.all(origins.map((id) => rm(join(shoal.data, id), { recursive: true })))
    await Promise.all(origins.map((id) => shoal.start(id)))
    await Promise.all(origins.map(isReady))
    return {
      ...{ s3, shoal, proxy, random, cold },
      /** Stops it as an orchestrator does, and starts it again; resolves when it is ready. */
      async restart(id: string) {
        expect([id, await shoal.stop(id)]).toEqual([id, 0])
        await shoal.start(id)
        await isReady(id)
      },
      /** Resolves when it no longer says that it is ready. */
      isLeaving: (id: string) =>
        eventually(async (signal) => {
          const answer = await fetch(`${shoal.url(id, 'ops')}/readyz`, { signal }).catch(() => undefined)
          expect(answer?.status).not.toBe(200)
        }),
      /** Pulls an image by its tag, at an agent or at the proxy, and compares all bytes. */
      async pull(at: string, { name, image: { config, layers, manifest } }: Cold) {
        const client = registryClient(shoal.url(at, 'registry'))
        const get = async (path: string) => {
          const { status, body } = await client.send('GET', `/v2/${name}/${path}`)
          if (status !== 200)
            throw new Error(`${at} answered ${status} to ${path}: ${body.toString('utf8').slice(0, 300)}`)
          return digestOf(body)
        }
        expect(await get('manifests/v1')).toBe(manifest.digest)
        const got = await Promise.all([config, ...layers].map(({ digest }) => get(`blobs/${digest}`)))
        expect(got).toEqual([config, ...layers].map(({ digest }) => digest))
      },
    }
  })
}

/** Of each restarted service: the images that are pulled meanwhile, of an origin those that it is to bring. */
function imagesOf(cold: readonly Cold[]): ReadonlyMap<string, readonly Cold[]> {
  const ring = clusterOf(origins.map((id) => ({ id, url: `http://${id}` })))
  const ownerOf = ({ image }: Cold) => ring.owners(image.layers[0]?.digest ?? '')[0]?.id
  const each = Math.max(1, Math.floor(cold.length / rolled.length))
  const left = [...cold]
  const take = (fits: (one: Cold) => boolean) => {
    const taken = left.filter(fits).slice(0, each)
    for (const one of taken) left.splice(left.indexOf(one), 1)
    return taken
  }
  const shares = rolled.map((id) => [id, take((one) => !origins.includes(id) || ownerOf(one) === id)] as const)
  return new Map(shares.map(([id, share], i) => [id, i === shares.length - 1 ? [...share, ...left] : share]))
}

test('origins, trackers and build-indexes restart one after the other, and no pull and no push notices', async () => {
  await using lab = await startCold(Math.ceil(PULLS / agents.length))
  const { s3, cold, proxy, random } = lab
  const layers = cold.flatMap(({ image }) => image.layers.map(({ digest }) => keyOf(digest)))
  const before = new Map(layers.map((key) => [key, s3.bytesGiven(key)]))
  function keyOf(digest: string) {
    const key = s3.objectKeys().find((each) => each.includes(digest.slice('sha256:'.length)))
    if (key === undefined) throw new Error(`the backend does not have ${digest}`)
    return key
  }

  const failures: unknown[] = []
  const goes = (work: Promise<void>) => work.catch((err: unknown) => void failures.push(err))
  let pushed = 0
  const push = () => {
    pushed += 1
    return goes(pushImage(proxy, `pushed/${pushed}`, imageFixture(random, [600_000]), ['v1']))
  }
  const images = imagesOf(cold)
  for (const [i, id] of rolled.entries()) {
    const share = images.get(id) ?? []
    expect([id, share.length]).not.toEqual([id, 0])
    const goOn = deferred()
    // The backend stops in the middle of each layer, until the service knows that it is to stop.
    const paths = share.map(({ image }) => new RegExp(keyOf(image.layers[0]?.digest ?? '')))
    const paused = paths.map((path) =>
      s3.faults.next({ method: 'GET', path, times: Number.POSITIVE_INFINITY }, pauseAfter(500_000, goOn.promise)),
    )
    const half = agents.length / 2
    const first = agents.slice(0, half).flatMap((agent) => share.map((each) => goes(lab.pull(agent, each))))
    await Promise.all(paused.map(({ reached }) => reached))
    const pushes = Array.from({ length: Math.ceil((PUSHES * (i + 1)) / rolled.length) - pushed }, push)
    const restarted = lab.restart(id)
    await lab.isLeaving(id)
    // The proxy asks the origins themselves: whichever it comes to must not begin anew.
    const late = [...agents.slice(half), 'proxy-1'].flatMap((at) => share.map((each) => goes(lab.pull(at, each))))
    goOn.resolve()
    await Promise.all([restarted, ...first, ...late, ...pushes])
    for (const each of paused) each.cancel()
  }
  expect(failures).toEqual([])

  const times = layers.map((key) => [
    key,
    (s3.bytesGiven(key) - (before.get(key) ?? 0)) / (s3.object(key)?.length ?? 0),
  ])
  expect(times.filter(([, each]) => !(Number(each) >= 1 && Number(each) <= MOST_FROM_BACKEND))).toEqual([])
}, 600_000)
