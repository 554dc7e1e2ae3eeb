import type { Random } from '../../lib/base/index.ts'
import { type StoreMood, storeMoods } from './cold-store.ts'
import { drawn, oneOf } from './model-blob.ts'

/** What may happen to whom, by the ids of the services. */
export interface World {
  /** May be killed, told to stop, frozen, and lose their folders where they have one. */
  readonly agents: readonly string[]
  readonly origins: readonly string[]
  /** Trackers and build-indexes. */
  readonly others: readonly string[]
  /** May be frozen, and nothing else. */
  readonly proxies: readonly string[]
  /** May lie to its peers. */
  readonly liar: string
  /** Have a disk of their own that can be filled. */
  readonly smallDisks: readonly string[]
}

export const disturbanceKinds = ['kill', 'stop', 'wipe', 'freeze', 'store', 'lie', 'full'] as const
export type DisturbanceKind = (typeof disturbanceKinds)[number]

/** One thing that goes wrong for a while. */
export interface Disturbance {
  readonly kind: DisturbanceKind
  /** The id of a service, or `store`. */
  readonly target: string
  readonly mood?: StoreMood
}

/** The begin or the end of a disturbance, when so many pulls have ended since the first. */
export interface Step {
  readonly at: number
  readonly does: 'begin' | 'end'
  readonly disturbance: Disturbance
}

/** Pulls that end between two begins, and while a disturbance lasts. */
const GAP = { from: 1, to: 5 }
const LASTS = { from: 2, to: 12 }
/** How often each kind is drawn, in comparison. */
const WEIGHTS: Readonly<Record<DisturbanceKind, number>> = {
  kill: 5,
  stop: 2,
  wipe: 2,
  freeze: 4,
  store: 5,
  lie: 1,
  full: 2,
}
/** Of these, one stays at work, so that what is pushed meanwhile can be pushed. */
const MAX_AT_ONCE = 4

function draw(world: World, random: Random): Disturbance {
  const { agents, origins, others, proxies, liar, smallDisks } = world
  const kinds = disturbanceKinds.filter((kind) => kind !== 'full' || smallDisks.length > 0)
  const kind = oneOf(
    kinds.flatMap((each) => Array.from({ length: WEIGHTS[each] }, () => each)),
    random,
  )
  const killable = [...agents, ...origins, ...others]
  switch (kind) {
    case 'kill':
    case 'stop':
      return { kind, target: oneOf(killable, random) }
    case 'wipe':
      return { kind, target: oneOf([...agents, ...origins], random) }
    case 'freeze':
      return { kind, target: oneOf([...killable, ...proxies], random) }
    case 'store':
      return { kind, target: 'store', mood: oneOf(storeMoods, random) }
    case 'lie':
      return { kind, target: liar }
    case 'full':
      return { kind, target: oneOf(smallDisks, random) }
  }
}

/**
 * Steps without end, in order. No target is disturbed in two ways at once, and no more than four are. The same chance
 * gives the same steps.
 */
export function* script(world: World, random: Random): Generator<Step> {
  let underWay: Step[] = []
  let at = 0
  for (;;) {
    at += drawn(random, GAP.from, GAP.to)
    const isFree = (target: string) => underWay.every(({ disturbance }) => disturbance.target !== target)
    const due = () => underWay.toSorted((a, b) => a.at - b.at)[0]
    const disturbance = draw(world, random)
    for (let first = due(); first !== undefined; first = due()) {
      if (first.at > at && isFree(disturbance.target) && underWay.length < MAX_AT_ONCE) break
      at = Math.max(at, first.at)
      underWay = underWay.filter((step) => step !== first)
      yield first
    }
    yield { at, does: 'begin', disturbance }
    underWay.push({ at: at + drawn(random, LASTS.from, LASTS.to), does: 'end', disturbance })
  }
}

/** As people read it, and as the same seed prints it again. */
export const stepText = ({ at, does, disturbance: { kind, target, mood } }: Step): string =>
  `after ${at} pulls: ${does} ${kind} ${target}${mood === undefined ? '' : ` (${mood})`}`
