import { expect } from '@jest/globals'
import type { Backend } from '../../lib/backend/index.ts'
import { fakeClock, hasCode, type Random, seededRandom } from '../../lib/base/index.ts'
import { type Digest, digestOf, parseRepository, parseTag } from '../../lib/core/index.ts'
import { blobPrefix, manifestPrefix } from '../../services/build-index/index-keys.ts'
import { blobKey } from '../../services/origin/blob-keys.ts'
import { type GarbageWorld, lookOnce, passing } from './garbage-lab.ts'
import { type PushedImage, pusher } from './garbage-pushers.ts'

export interface ModelInit {
  readonly seed: number
  readonly backend: Backend
  readonly pushers: number
  /** Pushes and deletions of each. */
  readonly steps: number
  readonly graceMs: number
}

const repositories = ['a', 'a/b', 'team/app', 'team/app2'].map(parseRepository)
const immortal = () => ({ left: Number.POSITIVE_INFINITY })

/** What the cluster has to have in the end: what was acknowledged and not deleted. */
type Model = Set<PushedImage>

/** Few layers, so that all want the same ones: each is pushed, let go and pushed again all the time. */
function imagesOf(random: Random) {
  const layers = Array.from({ length: 40 }, () => Buffer.from(random.bytes(40)))
  let made = 0
  const any = <T>(list: readonly T[]): T => list[Math.floor(random.next() * list.length)] as T
  const next = (): PushedImage => {
    made += 1
    const own = [...new Set([any(layers), any(layers), any(layers)])]
    const mediaType = 'application/vnd.oci.image.manifest.v1+json'
    const manifest = Buffer.from(JSON.stringify({ made, layers: own.map((bytes) => ({ digest: digestOf(bytes) })) }))
    const descriptor = { digest: digestOf(manifest), mediaType, size: manifest.length }
    const tag = random.next() < 0.7 ? parseTag(`t${Math.floor(random.next() * 5)}`) : undefined
    return { repository: any(repositories), layers: own, manifest, descriptor, tag }
  }
  return { next, any }
}

/**
 * Pushes, mounts, deletions and looks for garbage at the same time, each of them killed now and then; in the end the
 * listings of both backends are compared with the model.
 */
export async function garbageModel({ seed, backend, pushers, steps, graceMs }: ModelInit) {
  const [random, clock] = [seededRandom(seed), fakeClock()]
  const world: GarbageWorld = {
    clock,
    random,
    plain: { index: backend, blobs: backend },
    graceMs,
    calls: { underWay: 0 },
  }
  const model: Model = new Set()
  const begun: PushedImage[] = []
  const images = imagesOf(random)
  const seen = { kills: 0, looks: 0, removed: 0, longestMs: 0 }
  world.onRemoved = () => {
    seen.removed += 1
  }
  world.onSpan = (ms) => {
    seen.longestMs = Math.max(seen.longestMs, ms)
  }
  const mortal = () => ({ left: random.next() < 0.1 ? Math.floor(random.next() * 40) : Number.POSITIVE_INFINITY })

  const attempt = async (work: () => Promise<void>): Promise<boolean> => {
    try {
      await work()
      return true
    } catch (err) {
      if (hasCode(err, 'SHUTTING_DOWN')) seen.kills += 1
      // The other look has ended the run, or the client has to push again.
      else if (!hasCode(err, 'MANIFEST_BLOB_UNKNOWN', 'ABORTED')) throw err
      return false
    }
  }
  const step = async () => {
    const victim = random.next() < 0.6 ? images.any([...model]) : undefined
    const client = pusher(world, mortal())
    if (victim !== undefined) {
      model.delete(victim)
      await attempt(() => client.remove(victim))
      return
    }
    const image = images.next()
    begun.push(image)
    const isPushed = await attempt(() => client.push(image, images.any(repositories)))
    if (isPushed) model.add(image)
  }
  const state = { isOver: false }
  const looks = async () => {
    while (!state.isOver) {
      const life = { left: random.next() < 0.5 ? Math.floor(random.next() * 600) : Number.POSITIVE_INFINITY }
      seen.looks += 1
      await attempt(async () => {
        await lookOnce(world, life)
      })
      await clock.sleep(1 + (random.next() * graceMs) / 4)
    }
  }
  const client = async () => {
    for (let i = 0; i < steps; i += 1) {
      await step()
      await clock.sleep(Math.floor(random.next() * graceMs))
    }
  }
  const all = Promise.all(Array.from({ length: pushers }, client)).finally(() => {
    state.isOver = true
  })
  await passing(world, Promise.all([all, looks(), looks()]))
  const removed = seen.removed
  await settled(world, begun, model)
  await assertModel(world, model)
  return { ...seen, removed, kept: model.size }
}

/** What was cut short is deleted, as its client would when it comes again; then looks find all that is left. */
async function settled(world: GarbageWorld, begun: readonly PushedImage[], model: Model): Promise<void> {
  const client = pusher(world, immortal())
  const cutShort = begun.filter((image) => !model.has(image))
  await passing(world, Promise.all(cutShort.map((image) => client.remove(image))))
  // Past removals that were left in the middle.
  await world.clock.advance(300_000)
  for (let i = 0; i < 7; i += 1) {
    await passing(world, lookOnce(world, immortal()))
    await world.clock.advance(world.graceMs + 1)
  }
}

async function assertModel({ plain }: GarbageWorld, model: Model): Promise<void> {
  const blobs = new Set<string>()
  const entries = new Set<string>()
  for (const { repository, layers, descriptor } of model) {
    entries.add(manifestPrefix(repository) + descriptor.digest)
    for (const digest of [descriptor.digest, ...layers.map((bytes) => digestOf(bytes))] as Digest[]) {
      entries.add(blobPrefix(repository) + digest)
      blobs.add(blobKey(digest))
    }
  }
  const names = [...new Set([...model].map(({ repository }) => `index/catalog/${repository.name}`))]
  expect(await keysIn(plain.blobs, 'blobs/')).toEqual([...blobs].sort())
  const index = await keysIn(plain.index, 'index/')
  expect(index.filter((key) => /\/_(?:blobs|manifests)\//.test(key))).toEqual([...entries].sort())
  expect(index.filter((key) => key.startsWith('index/catalog/'))).toEqual(names.sort())
  expect(await keysIn(plain.blobs, 'garbage/condemned/')).toEqual([])
}

async function keysIn(backend: Backend, prefix: string): Promise<readonly string[]> {
  const keys: string[] = []
  for (let after: string | undefined = prefix; after !== undefined; ) {
    const page: Awaited<ReturnType<Backend['list']>> = await backend.list(prefix, { after })
    keys.push(...page.keys)
    after = page.next
  }
  return keys
}
