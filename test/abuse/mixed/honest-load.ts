import { type AbortOptions, type Clock, type Random, seededRandom } from '../../../lib/base/index.ts'
import { type RegistryClient, registryClient } from '../../kit/registry-client.ts'
import { everySecret } from '../../kit/secrets.ts'
import { bearer } from './bearer.ts'
import { honestImage, type PushedImage, pullBlob, pullByTag, push, pushed } from './honest-images.ts'
import { type Outcome, patiently } from './patiently.ts'

export const honestKinds = ['push of an image', 'pull by tag', 'pull of a blob'] as const
export type HonestKind = (typeof honestKinds)[number]

/** One operation of an honest client, with all its tries. */
export interface HonestOp extends Outcome {
  readonly kind: HonestKind
  readonly ms: number
}

/** Pause between two operations of one client, about. */
const PAUSE_MS = 150
/** An operation that takes longer has failed. */
const TRY_MS = 60_000
/** Images that may be pulled: the last that were pushed. */
const RECENT = 20
const MAX_LAYERS = 3
const MIN_LAYER_BYTES = 20_000
const MAX_LAYER_BYTES = 2_500_000

const roles = ['pusher', 'pusher', 'puller', 'puller', 'puller'] as const

export interface HonestLoadInit {
  readonly clock: Clock
  readonly seed: number
  readonly proxyUrl: string
  /** Agents, and other registries to pull from. */
  readonly pullUrls: readonly string[]
}

/** Clients that push images and pull what was pushed, each from an address of its own, each one thing after the other. */
export interface HonestLoad {
  /** Pushes one image of these layers; attackers may be told of it. */
  begin(layerSizes: readonly number[], options: AbortOptions): Promise<PushedImage>
  /** Goes on while `goOn` says so, asked by each client before each operation with the number that it has done. */
  run(goOn: (done: number) => boolean, options: AbortOptions): Promise<readonly HonestOp[]>
}

export function honestLoad({ clock, seed, proxyUrl, pullUrls }: HonestLoadInit): HonestLoad {
  const recent: PushedImage[] = []
  let made = 0
  const pick = <T>(list: readonly T[], random: Random): T => list[Math.floor(random.next() * list.length)]!
  const clientOf = (url: string, secret: string, place: number) =>
    registryClient(url, { from: `127.0.0.${2 + place}`, headers: { authorization: bearer(secret) } })

  const pushNew = async (client: RegistryClient, sizes: readonly number[], options: AbortOptions) => {
    made += 1
    const image = honestImage(`image ${seed} ${made}`, `team/app${made % 4}`, sizes)
    const outcome = await tried((signal) => push(client, image, signal), options)
    if (outcome.outcome === 'ok') recent.push(pushed(image))
    recent.splice(0, Math.max(0, recent.length - RECENT))
    return outcome
  }
  const tried = (attempt: (signal: AbortSignal) => Promise<void>, { signal }: AbortOptions) =>
    patiently(() => attempt(AbortSignal.any([AbortSignal.timeout(TRY_MS), ...(signal ? [signal] : [])])), {
      clock,
      signal,
    })

  const pushOne = (place: number, random: Random, options: AbortOptions) => {
    const layer = () => Math.floor(MIN_LAYER_BYTES + random.next() ** 2 * (MAX_LAYER_BYTES - MIN_LAYER_BYTES))
    const sizes = Array.from({ length: 1 + Math.floor(random.next() * MAX_LAYERS) }, layer)
    return pushNew(clientOf(proxyUrl, everySecret.push, place), sizes, options)
  }
  const pullOne = (kind: HonestKind, place: number, random: Random, options: AbortOptions) => {
    const client = clientOf(pick(pullUrls, random), everySecret.read, place)
    const image = pick(recent, random)
    if (kind === 'pull by tag') return tried((signal) => pullByTag(client, image, signal), options)
    const { digest } = pick(image.blobs, random)
    return tried((signal) => pullBlob(client, image.repository, digest, signal), options)
  }
  const runOne = async (place: number, goOn: (done: number) => boolean, options: AbortOptions) => {
    const random = seededRandom(seed * 100 + place)
    const ops: HonestOp[] = []
    while (goOn(ops.length)) {
      const kind = roles[place] === 'pusher' ? honestKinds[0] : pick(honestKinds.slice(1), random)
      const startMs = clock.monotonicMs()
      const outcome = await (kind === honestKinds[0]
        ? pushOne(place, random, options)
        : pullOne(kind, place, random, options))
      ops.push({ ...outcome, kind, ms: clock.monotonicMs() - startMs })
      await clock.sleep(2 * random.next() * PAUSE_MS, options)
    }
    return ops
  }
  return {
    async begin(sizes, options) {
      const { outcome } = await pushNew(clientOf(proxyUrl, everySecret.push, 0), sizes, options)
      const last = recent.at(-1)
      if (outcome !== 'ok' || last === undefined) throw new Error(`the first push ended with ${outcome}`)
      return last
    },
    async run(goOn, options) {
      const all = await Promise.all(roles.map((_, place) => runOne(place, goOn, options)))
      return all.flat()
    },
  }
}
