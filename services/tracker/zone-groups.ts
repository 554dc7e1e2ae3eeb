import type { Random } from '../../lib/base/index.ts'
import { pick } from './pick.ts'

/** Peers of one kind in one zone of a swarm, at places from 0 on. */
export interface ZoneGroup {
  /** Empty for those that name no zone. */
  readonly zone: string
  readonly kind: string
  readonly length: number
}

/** What is drawn: of each kind up to `limit` of the zone, and a few of the others. Without a zone, from everywhere. */
export interface Draw {
  readonly limit: number
  readonly zone?: string | undefined
}

export interface Drawn<G> {
  readonly group: G
  readonly place: number
}

/** Zones that a swarm tells apart. Peers of further ones count as of none, so that nobody can make a draw slow. */
export const MAX_ZONES = 64
/** Of each kind in the other zones together. */
const FAR = 8

/** The groups of one swarm that have peers: few, so they are looked through. */
export class ZoneGroups<G extends ZoneGroup> {
  readonly #groups: G[] = []

  /** The group, made when there is none yet. */
  at(zone: string, kind: string, make: (zone: string) => G): G {
    const found = this.find(zone, kind)
    if (found !== undefined) return found
    const isKnown = zone === '' || this.#groups.some((group) => group.zone === zone)
    if (!isKnown && new Set(this.#groups.map((group) => group.zone)).size >= MAX_ZONES) return this.at('', kind, make)
    const made = make(zone)
    this.#groups.push(made)
    return made
  }

  find(zone: string, kind: string): G | undefined {
    return this.#groups.find((group) => group.zone === zone && group.kind === kind)
  }

  /** Forgets a group without peers. */
  drop(group: G): void {
    const at = this.#groups.indexOf(group)
    if (at >= 0) this.#groups.splice(at, 1)
  }

  all(): readonly G[] {
    return this.#groups
  }

  /** With equal chances within each group. The time depends on the number of groups and the limit only. */
  draw({ limit, zone }: Draw, random: Random): readonly Drawn<G>[] {
    const kinds = [...new Set(this.#groups.map(({ kind }) => kind))]
    const isNear = (group: G) => group.zone === zone
    const anyNear = zone !== undefined && this.#groups.some(isNear)
    return kinds.flatMap((kind) => {
      const groups = this.#groups.filter((group) => group.kind === kind)
      if (!anyNear) return pickAcross(groups, limit, random)
      const far = groups.filter((group) => !isNear(group))
      return [...pickAcross(groups.filter(isNear), limit, random), ...pickAcross(far, Math.min(limit, FAR), random)]
    })
  }
}

/** Up to `limit` places of all groups together, as `pick` does with one. */
export function pickAcross<G extends Pick<ZoneGroup, 'length'>>(
  groups: readonly G[],
  limit: number,
  random: Random,
): readonly Drawn<G>[] {
  const total = groups.reduce((sum, { length }) => sum + length, 0)
  const numbers = pick(total, limit, random).sort((a, b) => a - b)
  const out: Drawn<G>[] = []
  let [first, at] = [0, 0]
  for (const group of groups) {
    for (; at < numbers.length && (numbers[at] ?? 0) < first + group.length; at += 1) {
      out.push({ group, place: (numbers[at] ?? 0) - first })
    }
    first += group.length
  }
  return out
}
