import { type Clock, type Random, seededRandom } from '../../lib/base/index.ts'
import { ask, type Ended } from './ask.ts'
import { modelImage, pushImage } from './images.ts'
import { drawn, oneOf } from './model-blob.ts'
import { type PlacedBlob, type PlacedImage, pullImage, type ReadKind, readKinds, readOf } from './pulls.ts'
import type { Stage } from './stage.ts'

export type OpKind = ReadKind | 'image by tag' | 'push'

/** One thing that a client did. */
export interface Op extends Ended {
  readonly kind: OpKind
  /** The listener, and what was pulled or pushed there. */
  readonly door: string
  readonly what: string
  readonly ms: number
}

export interface ClientsInit {
  readonly clock: Clock
  readonly seed: number
  readonly stage: Stage
  /** How long a request may take. */
  readonly boundMs: number
  /** Told of each that ended. */
  readonly onEnded: (op: Op) => void
}

/** Clients that pull, each one thing after another; one of them also pushes. */
export interface Clients {
  /** What somebody has asked for at least once. */
  readonly touched: ReadonlySet<PlacedBlob>
  /** Images of which a push was acknowledged. */
  readonly images: readonly PlacedImage[]
  /** Until `goOn` says no to each of them; resolves when all they did has ended. */
  run(goOn: (done: number) => boolean): Promise<void>
}

const READERS = 5
const PLACES = READERS + 1
const MAX_LAYERS = 3
const LAYER_BYTES = { from: 1000, to: 3_000_000 }
/** Most reads are of what was asked for lately, so that clients meet at a blob; some are of any, mostly cold by then. */
const LATELY = 6
const AFTER_FAILURE_MS = 200

export function clients({ clock, seed, stage, boundMs, onEnded }: ClientsInit): Clients {
  const touched = new Set<PlacedBlob>()
  const images: PlacedImage[] = []
  let pushes = 0
  let fresh = 0

  const someBlob = (random: Random): PlacedBlob => {
    const dice = random.next()
    const lately = [...touched].slice(-LATELY)
    if (dice < 0.25 || lately.length === 0) {
      fresh += 1
      const blob = stage.cold[fresh % stage.cold.length]
      if (blob === undefined) throw new Error('no cold blobs')
      // Last in the order of the set.
      touched.delete(blob)
      touched.add(blob)
      return blob
    }
    return dice < 0.85 ? oneOf(lately, random) : oneOf([...touched], random)
  }

  const push = async (random: Random): Promise<Omit<Op, 'ms'>> => {
    pushes += 1
    const sizes = Array.from({ length: drawn(random, 1, MAX_LAYERS + 1) }, () =>
      drawn(random, LAYER_BYTES.from, LAYER_BYTES.to),
    )
    const image = modelImage(`image ${seed} ${pushes}`, `team/app${pushes % 4}`, sizes)
    const door = stage.shoal.url('proxy-1', 'registry')
    const ended = await pushImage(door, image, boundMs)
    if (ended.end === 'ok') images.push(image)
    return { ...ended, kind: 'push', door, what: image.tag }
  }

  const pull = async (random: Random): Promise<Omit<Op, 'ms'>> => {
    const door = oneOf(stage.doors, random)
    if (images.length > 0 && random.next() < 0.15) {
      const image = oneOf(images, random)
      return { ...(await pullImage(door, image, boundMs, random)), kind: 'image by tag', door, what: image.tag }
    }
    const kind = random.next() < 0.35 ? 'whole' : oneOf(readKinds, random)
    const placed = someBlob(random)
    const ended = await ask(readOf(kind, door, placed, random), boundMs)
    return { ...ended, kind, door, what: `${placed.blob.name} (${placed.repository}, ${placed.blob.size} bytes)` }
  }

  /** So that the agent that lies has something to lie about. Nobody looks at what it gives to its own clients. */
  const feedLiar = async (random: Random): Promise<void> => {
    const { url } = readOf('whole', stage.shoal.url(stage.world.liar, 'registry'), someBlob(random), random)
    await fetch(url, { signal: AbortSignal.timeout(boundMs) })
      .then((answer) => answer.arrayBuffer())
      .catch(() => undefined)
  }

  const runOne = async (place: number, random: Random, goOn: (done: number) => boolean) => {
    for (let done = 0; goOn(done); done += 1) {
      if (place === READERS && random.next() < 0.3) await feedLiar(random)
      const startMs = clock.monotonicMs()
      const isPush = place === READERS && random.next() < 0.5
      const op = { ...(await (isPush ? push(random) : pull(random))), ms: clock.monotonicMs() - startMs }
      onEnded(op)
      if (op.end !== 'ok') await clock.sleep(AFTER_FAILURE_MS)
    }
  }

  const randoms = Array.from({ length: PLACES }, (_, place) => seededRandom(seed * 100 + place))
  return {
    touched,
    images,
    async run(goOn) {
      await Promise.all(randoms.map((random, place) => runOne(place, random, goOn)))
    },
  }
}
